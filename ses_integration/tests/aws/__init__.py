"""Clients, account look-up, and translation of AWS errors."""
