"""Email addresses and blocked emails: add, change, block, delete.

The apps above (endpoints, inbound) may import it. It imports domains, and uses ses_integration through `ses_integration.api`,
its admin columns and its command base. An import contract orders the packages: `admin`, `api` and `management` are on top,
then the services (deletions above the others), and the models below them.
"""
