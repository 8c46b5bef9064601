"""Domains and their DNS records: add, verify, catch-all, delete.

The apps above (addresses, endpoints, inbound) may import it. It uses ses_integration through `ses_integration.api`, its admin
columns and its command base, and reaches tables of the apps above by reverse accessors (`domain.email_addresses`). An import
contract orders the packages: `admin`, `api` and `management` are on top, then `cleanup`, `lifecycle`, `deletion`,
`deletion_plan`, `dns`, and the models below them.
"""
