"""Email addresses and blocked emails. Imported by endpoints and inbound; imports domains.

Uses ses_integration only through `ses_integration.api`, its admin columns and its command base. An import contract orders the
packages: `admin`, `api` and `management` are on top, then the deletion, the other services, and the models below them.
"""
