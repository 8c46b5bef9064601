"""Sharing of domains with other accounts. The API, the admin and commands call it."""
