"""The API of deliveries: what has become of an email, and how it is delivered again. Only `mail.api` and `mail.urls` import it."""
