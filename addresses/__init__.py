"""Email addresses and blocked emails: add, change, block, delete.

The apps above may import it. It imports domains, and uses ses_integration through the facade.
"""
