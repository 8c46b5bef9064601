"""Admin pages of addresses and blocked emails. Django imports it; nothing else does.

Changes go through the services of this app, as over the API.
"""

from addresses.admin import addresses, blocked_emails

__all__ = ["addresses", "blocked_emails"]
