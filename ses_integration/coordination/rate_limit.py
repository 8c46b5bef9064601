"""Rate limit of control calls, shared by all processes (docs/architecture/ses.md, "Rate")."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from ses_integration.conf import SesConfig
from ses_integration.coordination.clock import database_now, pause
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.errors import RateLimitTimeout
from ses_integration.models import RateLimit

MAX_WAIT_SECONDS = 10.0


def claim_slot(config: SesConfig) -> datetime | None:
    """Claim the right to make one call now and return None, or return the time at which it becomes free."""
    if config.calls_per_second <= 0:
        return None
    now = database_now()
    next_slot = now + timedelta(seconds=1 / config.calls_per_second)
    if RateLimit.objects.filter(region=config.region, next_slot__lte=now).update(next_slot=next_slot):
        return None
    row = RateLimit.objects.filter(region=config.region).first()
    if row is not None:
        return row.next_slot
    new = RateLimit(region=config.region, next_slot=now)
    RateLimit.objects.bulk_create([new], ignore_conflicts=True)
    is_first = RateLimit.objects.filter(region=config.region, next_slot__lte=now).update(next_slot=next_slot)
    return None if is_first else next_slot


def delay_next_slot(config: SesConfig) -> None:
    """Move the next slot a whole interval from now. Call it when a call was answered.

    A call reaches SES some time after its slot was claimed. If the next one is faster, SES sees them too close together
    and refuses it.
    """
    if config.calls_per_second <= 0:
        return
    next_slot = database_now() + timedelta(seconds=1 / config.calls_per_second)
    RateLimit.objects.filter(region=config.region, next_slot__lt=next_slot).update(next_slot=next_slot)


@contextmanager
def rate_limited(config: SesConfig) -> Iterator[None]:
    """Wait for a slot before the call inside: until the shared deadline, or for ten seconds. Raises RateLimitTimeout."""
    with shared_deadline(MAX_WAIT_SECONDS) as deadline:
        while (slot := claim_slot(config)) is not None:
            wait = min(1.0, max(0.01, (slot - database_now()).total_seconds()))
            if time.monotonic() + wait > deadline:
                raise RateLimitTimeout
            pause(wait)
    try:
        yield
    finally:
        delay_next_slot(config)
