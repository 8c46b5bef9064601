"""Migrations of worker processes."""
