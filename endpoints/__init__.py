"""Endpoints: where received mail is delivered to (a webhook, an address or a group of addresses).

Only inbound, above it, may import it. It imports domains, and uses ses_integration through `ses_integration.api`. `admin` and
`api` are on top, then the services, and below them the models, the rules for configurations, and their redaction.
"""
