"""What the emulated SES holds, per account and region: identities, receipt rules, IP filters and quotas.

Imports `wire` for the errors it raises. Imported by `ses`, `control` and the server.
"""
