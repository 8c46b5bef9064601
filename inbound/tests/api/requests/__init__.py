"""Requests that clients, editors and proxies really send."""
