"""The API of deliveries: what has become of an email, how it is delivered again, and the test of an endpoint.

Only `mail.api` and `mail.urls` import it.
"""
