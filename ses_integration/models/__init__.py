"""The memory of what SES should hold, what it holds, and what is still in doubt.

Everything hangs on the domain's *name*, never on a foreign key: it outlives the domain, so that what is owed after a
deletion is not forgotten, and what we made stays known as ours when the domain is added again
(docs/architecture/protocol.md, "State").
"""

from ses_integration.models.ledger import InFlightCall, LedgerEntry, LedgerIdentity, LedgerRecipient
from ses_integration.models.region import RuleSetState
from ses_integration.models.scope import ScopedQuerySet
from ses_integration.models.sync import DomainSync, Lease, RateLimit

__all__ = [
    "DomainSync",
    "InFlightCall",
    "Lease",
    "LedgerEntry",
    "LedgerIdentity",
    "LedgerRecipient",
    "RateLimit",
    "RuleSetState",
    "ScopedQuerySet",
]
