"""Admin pages of addresses, deleted ones and blocked emails. Only Django imports it.

Changes go through the services of this app, as over the API.
"""

from addresses.admin import addresses, blocked_emails, deleted_addresses

__all__ = ["addresses", "blocked_emails", "deleted_addresses"]
