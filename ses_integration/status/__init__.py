"""What SES is known to hold, read from the ledger for answers, lists and deletion plans. Makes no control calls but verification.

Imports everything below. Used by `drift`, `admin`, `cli` and the facade.
"""
