"""Differences between SES, ledger and rows, and the two sweeps that find them."""
