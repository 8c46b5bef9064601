"""The API of the audit log. Only `audit.urls` imports it."""
