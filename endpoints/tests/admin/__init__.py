"""The admin pages of endpoints."""
