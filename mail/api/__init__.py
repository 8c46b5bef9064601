"""The API of received mail. Only `mail.urls` imports it."""
