"""What every API request passes through: authentication, scopes, parsing, pagination, errors and idempotency.

`inbound/settings.py` and `inbound/urls.py` name these modules. Only tests import them.
"""
