"""Domains and their DNS records: add, verify, catch-all, delete.

The apps above may import it. It uses ses_integration through the facade, and reaches rows of the apps above through reverse
accessors (`domain.email_addresses`).
"""
