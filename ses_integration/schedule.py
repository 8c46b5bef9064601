"""When what has failed is tried again: soon and then less often, or at the long interval where people must act."""

from __future__ import annotations

import random
from collections.abc import Collection
from datetime import timedelta

from django.db import transaction

from ses_integration.clock import database_now
from ses_integration.config import SesConfig
from ses_integration.errors import SesError
from ses_integration.models import DomainMark
from ses_integration.steps import Stuck

LONG_INTERVAL = timedelta(minutes=15)


def postpone(config: SesConfig, domain: str, errors: Collection[SesError], stuck: Stuck) -> None:
    """After a pass that could not finish: when to try again, and what to tell people meanwhile.

    Not for a change that was committed since: that one is due at once, and so is one that is being made at this moment.
    """
    attention = next((error for error in errors if error.attention), None)
    worst = attention or next(iter(errors), None)
    with transaction.atomic(durable=True):
        # Not to wait here: whoever changes many rows of the domain holds the mark for as long, and we hold the lease.
        mark = DomainMark.objects.select_for_update(skip_locked=True).of(config).filter(domain=domain).first()
        if mark is None:
            return
        now = mark.waiting_since = database_now()
        if mark.generation != stuck.generation:
            pass
        elif worst is None:
            mark.next_attempt = stuck.until
            mark.last_error = "Waiting until an earlier call to AWS can no longer be applied."
        else:
            mark.attempts += 1
            mark.next_attempt = now + (LONG_INTERVAL if attention else backoff(mark.attempts))
            mark.needs_attention, mark.last_error = attention is not None, worst.sentence
        mark.save()


def backoff(attempts: int) -> timedelta:
    """Exponential from one second to 15 minutes, with jitter down to the half, so that domains do not march in step."""
    seconds = min(LONG_INTERVAL.total_seconds(), 2.0 ** min(attempts - 1, 30))
    return timedelta(seconds=seconds * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
