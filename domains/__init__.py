"""Domains and their DNS records: add, verify, catch-all, delete. Imported by addresses, endpoints and inbound.

Uses ses_integration only through `ses_integration.api`, its admin columns and its command base. Tables of the apps above are
reached by reverse accessors, such as `domain.email_addresses`. An import contract orders the packages: `admin`, `api` and
`management` are on top, then `cleanup`, `lifecycle`, `deletion`, `deletion_plan`, `dns`, and the models below them.
"""
