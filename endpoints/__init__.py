"""Endpoints: where received mail is delivered to (a webhook, an address or a group of addresses).

Only `inbound` may import it. It imports `domains`, and `ses_integration` through its facade. `admin` and `api` are on top,
then the services, then the models, the rules for configurations and their redaction.
"""
