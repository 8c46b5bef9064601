"""Queue of the domains that are not up to date: which one is next, when it is due, and how long to wait for the lease."""

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

# For this long the worker lets waiting requests take the lease first.
STEP_BACK_SECONDS = 5.0
POLL_SECONDS = 0.2
_NOT_IN_BACK_OFF = Q(retry_at=None) | Q(retry_at__lte=Now())


def ready(config: SesConfig) -> QuerySet[DomainSync]:
    """Domains that are behind and not in back-off, longest wait first."""
    behind = DomainSync.objects.of(config).filter(_NOT_IN_BACK_OFF, generation__gt=F("observed_generation"))
    # Also by name: SQLite counts milliseconds, so domains of one transaction often have the same time.
    return behind.order_by("queued_at", "domain")


def in_flight_calls(config: SesConfig, domain: str) -> QuerySet[InFlightCall]:
    """Calls for the domain that have no answer yet, due or not."""
    return InFlightCall.objects.of(config).filter(entry__domain=domain)


def seconds_until_due(config: SesConfig, domain: str) -> float | None:
    """Seconds until something can be done for the domain: 0.0 for now, None if there is nothing to do."""
    sync = DomainSync.objects.of(config).annotate(now=Now()).filter(domain=domain).first()
    if sync is None:
        return None
    if sync.pending:
        return 0.0 if sync.retry_at is None else max(0.0, (sync.retry_at - sync.now).total_seconds())
    until = in_flight_calls(config, domain).order_by("until").values_list("until", flat=True).first()
    return None if until is None else max(0.0, (max(until, sync.retry_at or until) - sync.now).total_seconds())


def next_domain(config: SesConfig, domain: str) -> str:
    """The domain that a request for `domain` serves when it has the lease: the one with the longest wait.

    If each request served its own domain, a domain with many requests would nearly always win. Domains that have waited longer
    than a request may are left to the worker, so that the backlog of an outage does not hold up requests.
    """
    recent = Q(queued_at__gt=Now() - timedelta(seconds=config.request_budget))
    candidates = ready(config).filter(recent | Q(domain=domain))
    with transaction.atomic():
        # Skip domains whose rows are being changed: they cannot be served now, and would come first every time.
        first = candidates.select_for_update(skip_locked=True).values_list("domain", flat=True).first()
    return first or domain


def due_domains(config: SesConfig) -> list[str]:
    """Domains for the worker: first the ready ones, longest wait first, then those with due in-flight calls."""
    behind = ready(config).values_list("domain", flat=True)
    due_calls = InFlightCall.objects.of(config).filter(until__lte=Now())
    with_due_calls = DomainSync.objects.of(config).filter(
        _NOT_IN_BACK_OFF, domain__in=due_calls.values("entry__domain")
    )
    return list(dict.fromkeys([*behind, *with_due_calls.order_by("domain").values_list("domain", flat=True)]))


def acquire_for_worker(config: SesConfig, stop: Callable[[], bool]) -> HeldLease | None:
    """Take the lease for the worker. For some seconds, waiting requests go first. Returns None on `stop()` or if it stays taken."""
    yield_until = time.monotonic() + STEP_BACK_SECONDS
    while not stop():
        held = lease.acquire(config, background=time.monotonic() < yield_until)
        if held or time.monotonic() > yield_until + lease.LEASE_SECONDS:
            return held
        pause(POLL_SECONDS)
    return None


def retry_now(*domains: str) -> None:
    """Make the domains due now, in one statement. Domains that are up to date stay so.

    Resets their attempts, so that a retry by hand does not delay the worker's next one.
    """
    DomainSync.objects.of(ses_config()).filter(domain__in=domains).update(retry_at=None, attempts=0)
