"""Endpoints: where received mail is delivered to (a webhook, an address or a group of addresses)."""
