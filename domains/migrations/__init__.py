"""Migrations of domains, DNS records and domain deletions."""
