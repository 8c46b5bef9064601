"""Endpoints: where received mail is delivered to (a webhook, an address or a group of addresses).

Only `mail` and `inbound` may import it. It imports `addresses`, `domains`, and `ses_integration` through its facade. `admin`,
`api` and `management` are on top, then the services with `changes`, then the models, the rules for configurations and their
redaction, and at the bottom `webhooks`.
"""
