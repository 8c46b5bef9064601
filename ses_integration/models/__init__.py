"""Durable state of the reconciler: sync state per domain name, the ledger of SES resources, lease and rate limit.

Rows refer to a domain by name, not by foreign key, so they outlive it: pending work survives a deletion, and SES resources
are still known as ours when the domain is added again. docs/architecture/protocol.md, "State", describes the columns.
`statements` has the prebuilt SQL of the hot path.
Imports `plan` and `conf`. Only `ses_integration` may import it.
"""

from ses_integration.models.ledger import InFlightCall, LedgerEntry, LedgerIdentity, LedgerRecipient
from ses_integration.models.rule_set_state import RuleSetState
from ses_integration.models.scope import ScopedQuerySet
from ses_integration.models.sweep import SesSweep
from ses_integration.models.sync import DomainSync, Lease, RateLimit, SendingLimit

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
    "SendingLimit",
    "SesSweep",
]
