"""Adding a domain, applying what SES says about its identity, and switching catch-all.

Imported by `admin`, `api`, the worker, and the services of addresses and endpoints. Imports `deletion`, to add a name again.
"""
