"""What the emulated SES holds, per account and region: identities, receipt rules, IP filters and quotas.

Imports only `wire`, for the errors that it raises, and `dns`, for the records that verify identities.
"""
