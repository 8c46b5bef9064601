"""Migrations of the ledger and the reconciler's state."""
