"""One writer per region and rule set, between threads, processes and machines.

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
WANTED_SECONDS = 0.5


class LeaseLost(Exception):
    """Somebody took over. Nothing may be recorded or claimed any more; what was sent stands in the ledger as a doubt."""


@dataclass(slots=True)
class HeldLease:
    """A lease that is ours until `until` (of `time.monotonic()`, noted before the database was asked)."""

    pk: int
    holder: str
    fence: int
    until: float


def acquire(config: SesConfig, *, background: bool = False) -> HeldLease | None:
    """Take the lease if it is free or has expired, else None. In the background, requests that wait go first."""
    before = time.monotonic()
    row, now = _row(config)
    desired = row.requested_until is not None and row.requested_until > now
    free = not row.holder or row.expires_at <= now
    if background and desired:
        return None
    if not free:
        if not background and not desired:
            Lease.objects.filter(pk=row.pk).update(requested_until=now + timedelta(seconds=WANTED_SECONDS))
        return None
    holder = uuid.uuid4().hex
    taken = Lease.objects.filter(Q(holder="") | Q(expires_at__lte=now), pk=row.pk, fence=row.fence).update(
        holder=holder, fence=F("fence") + 1, expires_at=now + timedelta(seconds=LEASE_SECONDS), requested_until=None
    )
    if not taken:
        return None
    return HeldLease(pk=row.pk, holder=holder, fence=row.fence + 1, until=before + LEASE_SECONDS)


def renew(held: HeldLease) -> None:
    """Inside a transaction: hold on for another term; raises LeaseLost. The row stays locked until the transaction ends."""
    before = time.monotonic()
    if not _mine(held).update(expires_at=Now() + timedelta(seconds=LEASE_SECONDS)):
        raise LeaseLost
    held.until = before + LEASE_SECONDS


def verify(held: HeldLease) -> None:
    """Inside a transaction: raises LeaseLost unless the lease is still ours, and keeps others off it until the end."""
    if not _mine(held).update(fence=held.fence):
        raise LeaseLost


def release(held: HeldLease) -> None:
    _mine(held).update(holder="", expires_at=database_now())


def _mine(held: HeldLease) -> QuerySet[Lease]:
    return Lease.objects.filter(pk=held.pk, holder=held.holder, fence=held.fence)


def _row(config: SesConfig) -> tuple[Lease, datetime]:
    """The rule set's lease, and the database's time when it was read."""
    rows = Lease.objects.of(config).annotate(now=Now())
    row = rows.first()
    if row is None:
        free = Lease(region=config.region, rule_set=config.rule_set, expires_at=database_now())
        Lease.objects.bulk_create([free], ignore_conflicts=True)
        row = rows.get()
    return row, row.now
