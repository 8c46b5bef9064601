"""Migrations of endpoints."""
