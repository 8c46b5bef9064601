"""Admin pages of addresses and blocked emails. Only Django imports it.

Changes go through the services of this app, as over the API.
"""

from addresses.admin import addresses, blocked_emails

__all__ = ["addresses", "blocked_emails"]
