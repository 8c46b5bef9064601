"""What is known about SES, read from the ledger."""
