"""Rate limit of control calls, shared by all processes (docs/architecture/ses.md, "Rate")."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db.models.functions import Now

from ses_integration.conf import SesConfig
from ses_integration.coordination.clock import AHEAD, database_now, pause
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.errors import RateLimitTimeout
from ses_integration.models import RateLimit, statements
from ses_integration.models.statements import After

MAX_WAIT_SECONDS = 10.0


def claim_slot(config: SesConfig) -> float:
    """Claim the right to make one call now and return 0.0, or return in how many seconds it becomes free."""
    if config.calls_per_second <= 0 or _claim(config):
        return 0.0
    row = RateLimit.objects.annotate(now=Now()).filter(region=config.region).first()
    if row is None:
        RateLimit.objects.bulk_create(
            [RateLimit(region=config.region, next_slot=database_now())], ignore_conflicts=True
        )
        return 0.0 if _claim(config) else 1 / config.calls_per_second
    seconds = (row.next_slot - row.now).total_seconds()
    if seconds > 2 / config.calls_per_second + AHEAD.total_seconds():
        # The clock was set back. Without this, nobody would call AWS until it is there again.
        RateLimit.objects.filter(pk=row.pk, next_slot=row.next_slot).update(next_slot=row.now)
        return 0.0 if _claim(config) else 1 / config.calls_per_second
    # Never zero, which means claimed.
    return max(0.001, seconds)


def _claim(config: SesConfig) -> bool:
    return bool(statements.CLAIM_SLOT.run(_interval(config), config.region))


def delay_next_slot(config: SesConfig) -> float:
    """Move the next slot a whole interval from now, and return that interval in seconds. Call it when a call was answered.

    A call reaches SES some time after its slot was claimed. If the next one is faster, SES sees them too close together
    and refuses it.
    """
    if config.calls_per_second <= 0:
        return 0.0
    interval = _interval(config)
    statements.DELAY_SLOT.run(interval, config.region, interval)
    return interval.seconds


def _interval(config: SesConfig) -> After:
    return After(1 / config.calls_per_second)


@contextmanager
def rate_limited(config: SesConfig) -> Iterator[None]:
    """Wait for a slot before the call inside: until the shared deadline, or for ten seconds. Raises RateLimitTimeout."""
    with shared_deadline(MAX_WAIT_SECONDS) as deadline:
        while seconds := claim_slot(config):
            wait = min(1.0, max(0.01, seconds))
            if time.monotonic() + wait > deadline:
                raise RateLimitTimeout
            pause(wait)
    try:
        yield
    finally:
        delay_next_slot(config)
