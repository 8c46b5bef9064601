"""Migrations of addresses and blocked emails."""
