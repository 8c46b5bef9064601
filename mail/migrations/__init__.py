"""Migrations of received mail."""
