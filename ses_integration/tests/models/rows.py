"""Rows for the statements to find, and the same in other scopes, where they must not."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from ses_integration.models import DomainSync, InFlightCall, Lease, LedgerEntry, LedgerRecipient
from ses_integration.plan.resources import Operation, ResourceKind

DOMAIN = "example.com"
HERE = {"region": "eu-west-1", "rule_set": "ours"}
OTHER_RULE_SET = {"region": "eu-west-1", "rule_set": "theirs"}
OTHER_REGION = {"region": "us-east-1", "rule_set": "ours"}
# Ours last: a statement that ignores the scope would find another row first.
SCOPES = [OTHER_RULE_SET, OTHER_REGION, HERE]
SCOPE = REGION, RULE_SET = tuple(HERE.values())
KEY = (*SCOPE, DOMAIN)
BEHIND = {"generation": 5, "observed_generation": 3}
DAY = 86400.0


def days(count: float) -> datetime:
    """A time so many days from now. No test is slow enough to reach it."""
    return timezone.now() + timedelta(days=count)


def leases(**columns) -> Lease:
    """The same lease in each scope. Returns ours."""
    return [Lease.objects.create(**scope, **{"expires_at": days(1), "fence": 7} | columns) for scope in SCOPES][-1]


def syncs(domain: str = DOMAIN, scopes=SCOPES, **columns) -> DomainSync:
    """The same sync state of a domain in each scope. Returns the last one, by default ours."""
    rows = [DomainSync.objects.create(**scope, domain=domain, **columns) for scope in scopes]
    # Django has set it to a time that could be taken for the statement's.
    DomainSync.objects.filter(domain=domain).update(changed_at=days(-1))
    return rows[-1]


def entry(name: str = "rule", scope=HERE, domain: str = DOMAIN, kind=ResourceKind.RULE, **columns) -> LedgerEntry:
    columns = {"changed_at": days(-1), "digest": "d1"} | columns
    return LedgerEntry.objects.create(**scope, domain=domain, kind=kind, name=name, **columns)


def with_recipients(row: LedgerEntry, *local_parts: str) -> LedgerEntry:
    for local_part in local_parts:
        LedgerRecipient.objects.create(entry=row, recipient=f"{local_part}@{DOMAIN}")
    return row


def call(to: LedgerEntry, operation: str = Operation.UPDATE_RULE, until: float = 1) -> InFlightCall:
    """A call in flight, until so many days from now."""
    return InFlightCall.objects.create(entry=to, operation=operation, until=days(until), fence=7)
