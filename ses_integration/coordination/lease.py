"""The lease: one writer for each region and rule set, among all threads, processes and hosts.

See docs/architecture/protocol.md, "Take the lease".
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from ses_integration.conf import SesConfig
from ses_integration.coordination.clock import database_now
from ses_integration.models import Lease

LEASE_SECONDS = 30
# A waiting request keeps the worker off the lease for this long, and polls more often than that.
REQUEST_SECONDS = 0.5


class LeaseLost(Exception):
    """Another process has taken over. Nothing more may be recorded or reported. The intent of a sent call stays."""


@dataclass(slots=True)
class HeldLease:
    """A lease that we hold until `until`, a value of `time.monotonic()`. `fence` is our fencing token."""

    pk: int
    holder: str
    fence: int
    until: float


def acquire(config: SesConfig, *, background: bool = False) -> HeldLease | None:
    """Take the lease if it is free or has expired, else return None. `background`: waiting requests go first."""
    # Read before the statements that set `expires_at`, so that our term ends before the one in the database.
    before = time.monotonic()
    row, now = _row(config)
    is_requested = row.requested_until is not None and row.requested_until > now
    is_free = not row.holder or row.expires_at <= now
    if background and is_requested:
        return None
    if not is_free:
        if not background and not is_requested:
            Lease.objects.filter(pk=row.pk).update(requested_until=now + timedelta(seconds=REQUEST_SECONDS))
        return None
    holder = uuid.uuid4().hex
    taken = Lease.objects.filter(Q(holder="") | Q(expires_at__lte=now), pk=row.pk, fence=row.fence).update(
        holder=holder, fence=F("fence") + 1, expires_at=now + timedelta(seconds=LEASE_SECONDS), requested_until=None
    )
    if not taken:
        return None
    return HeldLease(pk=row.pk, holder=holder, fence=row.fence + 1, until=before + LEASE_SECONDS)


def renew(held: HeldLease) -> None:
    """Extend the lease. Raises LeaseLost. Call it in a transaction: the row stays locked until its end."""
    before = time.monotonic()
    if not _mine(held).update(expires_at=Now() + timedelta(seconds=LEASE_SECONDS)):
        raise LeaseLost
    held.until = before + LEASE_SECONDS


def verify(held: HeldLease) -> None:
    """Raise LeaseLost unless we still hold the lease. Call it in a transaction: nobody can take the lease until its end."""
    if not _mine(held).update(fence=held.fence):
        raise LeaseLost


def release(held: HeldLease) -> None:
    """Give the lease back. Does nothing if another process has taken it."""
    _mine(held).update(holder="", expires_at=database_now())


def _mine(held: HeldLease) -> QuerySet[Lease]:
    return Lease.objects.filter(pk=held.pk, holder=held.holder, fence=held.fence)


def _row(config: SesConfig) -> tuple[Lease, datetime]:
    """The lease of the rule set, created if it is missing, and the database's time."""
    rows = Lease.objects.of(config).annotate(now=Now())
    row = rows.first()
    if row is None:
        free = Lease(region=config.region, rule_set=config.rule_set, expires_at=database_now())
        Lease.objects.bulk_create([free], ignore_conflicts=True)
        row = rows.get()
    return row, row.now
