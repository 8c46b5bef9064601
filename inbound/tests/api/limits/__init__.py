"""Limits of requests by key, and requests from pages of other origins."""
