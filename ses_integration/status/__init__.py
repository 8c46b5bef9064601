"""What is known about SES, read from the ledger for answers, lists and deletion plans. Only `verification` calls SES.

Imports `reconcile` and what is below it. `drift`, `admin`, `cli` and the facade may import it.
"""
