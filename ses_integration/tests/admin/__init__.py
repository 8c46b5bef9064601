"""The admin pages of the ledger."""
