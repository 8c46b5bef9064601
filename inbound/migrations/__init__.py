"""Migrations of API keys and idempotency records."""
