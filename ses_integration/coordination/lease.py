"""The lease: one writer for each region and rule set, among all threads, processes and hosts.

See docs/architecture/protocol.md, "Take the lease".
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models.functions import Now

from ses_integration.conf import SesConfig
from ses_integration.coordination.clock import database_now
from ses_integration.models import Lease, statements
from ses_integration.models.statements import After

LEASE_SECONDS = 30
# A waiting request keeps the worker off the lease for this long, and polls more often than that.
REQUEST_SECONDS = 0.5


class LeaseLost(Exception):
    """Another process has taken over. Nothing more may be recorded or reported. The intent of a sent call stays."""


@dataclass(slots=True)
class HeldLease:
    """A lease that we hold until `until`, a value of `time.monotonic()`. `fence` is our fencing token.

    `in_outage`: the last calls to SES failed. `released`: we have given the lease back.
    """

    pk: int
    holder: str
    fence: int
    until: float
    in_outage: bool = False
    released: bool = False


def acquire(config: SesConfig, *, background: bool = False) -> HeldLease | None:
    """Take the lease if it is free or has expired, else return None. `background`: waiting requests go first."""
    # Read before the statement that sets `expires_at`, so that our term ends before the one in the database.
    before = time.monotonic()
    holder = uuid.uuid4().hex
    taken = statements.TAKE_LEASE.row(holder, After(LEASE_SECONDS), config.region, config.rule_set, not background)
    if taken is not None:
        pk, fence, outage_since = taken
        return HeldLease(pk, holder, fence, until=before + LEASE_SECONDS, in_outage=outage_since is not None)
    row = Lease.objects.of(config).annotate(now=Now()).first()
    if row is None:
        free = Lease(region=config.region, rule_set=config.rule_set, expires_at=database_now())
        Lease.objects.bulk_create([free], ignore_conflicts=True)
        return acquire(config, background=background)
    is_requested = row.requested_until is not None and row.requested_until > row.now
    if not background and not is_requested:
        Lease.objects.filter(pk=row.pk).update(requested_until=Now() + timedelta(seconds=REQUEST_SECONDS))
    return None


def renew(held: HeldLease) -> None:
    """Extend the lease. Raises LeaseLost. Call it in a transaction: nobody can take the lease until its end."""
    before = time.monotonic()
    _keep(held, statements.RENEW_LEASE.row(After(LEASE_SECONDS), *_key(held)))
    held.until = before + LEASE_SECONDS


def hand_back(held: HeldLease) -> None:
    """Give the lease back with the commit of the current transaction. Raises LeaseLost."""
    _keep(held, statements.RELEASE_LEASE.row(*_key(held)))


def release(held: HeldLease) -> None:
    """Give the lease back. Does nothing if that has been done, or if another process has taken it."""
    if not held.released:
        statements.RELEASE_LEASE.row(*_key(held))
        held.released = True


def _key(held: HeldLease) -> tuple[int, str, int]:
    return held.pk, held.holder, held.fence


def _keep(held: HeldLease, row: tuple[Any, ...] | None) -> None:
    if row is None:
        raise LeaseLost
    (outage_since,) = row
    held.in_outage = outage_since is not None
