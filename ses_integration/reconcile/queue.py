"""The domains' queue: whose turn it is, and who waits for the lease."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from ses_integration.conf import SesConfig, ses_config
from ses_integration.coordination import lease
from ses_integration.coordination.clock import pause
from ses_integration.coordination.lease import HeldLease
from ses_integration.models import DomainSync, InFlightCall

# The worker lets requests that wait for the lease go first, for this long.
YIELD_SECONDS = 5.0
POLL_SECONDS = 0.2


def ready(config: SesConfig) -> QuerySet[DomainSync]:
    """Behind, and not put off: whose turn may come now, the one that has waited longest first."""
    turn = Q(retry_at=None) | Q(retry_at__lte=Now())
    behind = DomainSync.objects.of(config).filter(turn, generation__gt=F("observed_generation"))
    # SQLite tells time in milliseconds: domains of one transaction often share one.
    return behind.order_by("queued_at", "domain")


def in_flight_calls(config: SesConfig, domain: str) -> QuerySet[InFlightCall]:
    return InFlightCall.objects.of(config).filter(entry__domain=domain)


def seconds_until_due(config: SesConfig, domain: str) -> float | None:
    """How long until something can be done for the domain: 0 for now, None for nothing that we know of."""
    sync = DomainSync.objects.of(config).annotate(now=Now()).filter(domain=domain).first()
    if sync is None:
        return None
    if sync.pending:
        return 0.0 if sync.retry_at is None else max(0.0, (sync.retry_at - sync.now).total_seconds())
    until = in_flight_calls(config, domain).order_by("until").values_list("until", flat=True).first()
    return None if until is None else max(0.0, (max(until, sync.retry_at or until) - sync.now).total_seconds())


def next_domain(config: SesConfig, domain: str) -> str:
    """Whose turn it is when a request has the lease: the longest waiting of those whose requests may be waiting, too.

    Who only served its own domain would win by numbers: of many that wait for a busy domain one is always first. What has
    waited for longer than a request does is the worker's, so that a request is not held up by all that an outage left.
    """
    recent = Q(queued_at__gt=Now() - timedelta(seconds=config.request_budget))
    line = ready(config).filter(recent | Q(domain=domain))
    with transaction.atomic():
        # Whose rows are being changed at this moment cannot be served, and would be first again and again.
        first = line.select_for_update(skip_locked=True).values_list("domain", flat=True).first()
    return first or domain


def due_domains(config: SesConfig) -> list[str]:
    """The worker's list: those that are behind, the longest waiting first, and then those with doubts that are due."""
    behind = list(ready(config).values_list("domain", flat=True))
    doubtful = InFlightCall.objects.of(config).filter(until__lte=Now())
    turn = Q(retry_at=None) | Q(retry_at__lte=Now())
    their_turn = DomainSync.objects.of(config).filter(turn, domain__in=doubtful.values("entry__domain"))
    return list(dict.fromkeys([*behind, *their_turn.order_by("domain").values_list("domain", flat=True)]))


def acquire_for_worker(config: SesConfig, stop: Callable[[], bool]) -> HeldLease | None:
    """The lease for the worker: requests that wait go first, but not for ever."""
    patience = time.monotonic() + YIELD_SECONDS
    while not stop():
        held = lease.acquire(config, background=time.monotonic() < patience)
        if held or time.monotonic() > patience + lease.LEASE_SECONDS:
            return held
        pause(POLL_SECONDS)
    return None


def retry_now(*domains: str) -> None:
    """Make the domains due now and forget their failed attempts, so that a retry by hand never delays the worker's next one.

    One statement. Domains that are up to date stay so.
    """
    DomainSync.objects.of(ses_config()).filter(domain__in=domains).update(retry_at=None, attempts=0)
