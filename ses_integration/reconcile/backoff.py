"""Back-off: when to try a domain again after a pass that could not finish it."""

from __future__ import annotations

import random
from collections.abc import Collection
from datetime import timedelta

from django.db import transaction

from ses_integration.conf import SesConfig
from ses_integration.coordination.clock import database_now
from ses_integration.errors import BadCredentials, NoCredentials, SesError, WrongAccount
from ses_integration.models import DomainSync
from ses_integration.reconcile.values import Blocked

LONG_INTERVAL = timedelta(minutes=15)
# 2 ** 6 seconds: a rotated key is used a minute after it was written, and a failing one costs few calls.
LONGEST_OF_CREDENTIALS = 7


def postpone(config: SesConfig, domain: str, errors: Collection[SesError], blocked: Blocked) -> None:
    """Record why a pass could not finish `domain`, and when to try again.

    If its rows have changed since `blocked.generation`, or are being changed now, the domain stays due.
    """
    worst = max(errors, key=lambda error: error.needs_attention, default=None)
    with transaction.atomic(durable=True):
        # Do not wait for the lock (see `queue.lock`).
        sync = DomainSync.objects.select_for_update(skip_locked=True).of(config).filter(domain=domain).first()
        if sync is None:
            return
        now = sync.queued_at = database_now()
        if sync.generation == blocked.generation:
            if worst is None:
                sync.retry_at = blocked.until
                sync.last_error = "Waiting until an earlier call to AWS can no longer take effect."
            else:
                sync.attempts += 1
                sync.retry_at = now + retry_delay(sync.attempts, error=worst)
                sync.stalled, sync.last_error = worst.needs_attention, worst.sentence
        sync.save()


def retry_delay(failures: int, *, error: SesError | None = None, needs_attention: bool = False) -> timedelta:
    """Delay after a number of failures in a row: doubles from 1 s to 15 min, with jitter down to half of it.

    If the last `error` needs attention, or with `needs_attention`, 15 min at once, because a person must act first. Credentials
    are tried again within a minute all the same: programs rotate most of them.
    """
    if isinstance(error, BadCredentials | NoCredentials | WrongAccount):
        failures = min(failures, LONGEST_OF_CREDENTIALS)
    elif needs_attention or (error is not None and error.needs_attention):
        return LONG_INTERVAL
    seconds = min(LONG_INTERVAL.total_seconds(), 2.0 ** min(failures - 1, 30))
    return timedelta(seconds=seconds * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
