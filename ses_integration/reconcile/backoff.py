"""When what has failed is tried again: soon and then less often, or at the long interval where people must act."""

from __future__ import annotations

import random
from collections.abc import Collection
from datetime import timedelta

from django.db import transaction

from ses_integration.conf import SesConfig
from ses_integration.coordination.clock import database_now
from ses_integration.errors import SesError
from ses_integration.models import DomainSync
from ses_integration.reconcile.steps import Blocked

LONG_INTERVAL = timedelta(minutes=15)


def postpone(config: SesConfig, domain: str, errors: Collection[SesError], stuck: Blocked) -> None:
    """After a pass that could not finish: when to try again, and what to tell people meanwhile.

    Not for a change that was committed since: that one is due at once, and so is one that is being made at this moment.
    """
    attention = next((error for error in errors if error.attention), None)
    worst = attention or next(iter(errors), None)
    with transaction.atomic(durable=True):
        # Not to wait here: whoever changes many rows of the domain holds the mark for as long, and we hold the lease.
        sync = DomainSync.objects.select_for_update(skip_locked=True).of(config).filter(domain=domain).first()
        if sync is None:
            return
        now = sync.queued_at = database_now()
        if sync.generation != stuck.generation:
            pass
        elif worst is None:
            sync.retry_at = stuck.until
            sync.last_error = "Waiting until an earlier call to AWS can no longer be applied."
        else:
            sync.attempts += 1
            sync.retry_at = now + (LONG_INTERVAL if attention else backoff(sync.attempts))
            sync.stalled, sync.last_error = attention is not None, worst.sentence
        sync.save()


def backoff(attempts: int) -> timedelta:
    """Exponential from one second to 15 minutes, with jitter down to the half, so that domains do not march in step."""
    seconds = min(LONG_INTERVAL.total_seconds(), 2.0 ** min(attempts - 1, 30))
    return timedelta(seconds=seconds * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret


def retry_delay(failures: int, *, attention: bool = False) -> timedelta:
    """How long to wait after so many failures in a row: 1 s to 15 min with jitter; 15 min if people have to act first."""
    return LONG_INTERVAL if attention else backoff(failures)
