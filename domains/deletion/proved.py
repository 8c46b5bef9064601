"""Announce deletions that are complete and proven."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable

from django.db import DatabaseError, transaction
from django.db.models.functions import Now
from django.dispatch import Signal

from domains.models import DomainDeletion

logger = logging.getLogger(__name__)

# Sent once for each deletion, with `deletion`, after the proof is committed (docs/api/deletion.md, "When it is proven").
deletion_proved = Signal()


# A receiver that fails is not called again sooner for the same deletion.
PAUSE_SECONDS = 60.0


def announce_proved(
    stop: Callable[[], bool] = lambda: False,
    *,
    seconds: float = math.inf,
    failing: dict[str, float] | None = None,
) -> int:
    """Send `deletion_proved` for deletions that are proven and not announced yet, and return how many. A task of the worker.

    What receivers write is committed with the note that the deletion is announced, so they write it exactly once. If one
    fails, nothing is committed, and all are called again in a minute. A later proof of the same deletion sends nothing.
    `failing`: deletions whose receivers have failed, and until when they wait, as `time.monotonic()` tells it. Kept up to date.
    """
    failing = {} if failing is None else failing
    began, announced = time.monotonic(), 0
    while not stop() and time.monotonic() < began + seconds:
        later = [pk for pk, due in failing.items() if due > began]
        waiting = DomainDeletion.objects.filter(proved_at__isnull=False, announced_at=None).exclude(pk__in=later)
        row = None
        try:
            with transaction.atomic():
                row = waiting.select_for_update(skip_locked=True).order_by("proved_at").first()
                if row is None:
                    # What no longer waits was announced by another worker.
                    for pk in failing.keys() - later:
                        del failing[pk]
                    break
                DomainDeletion.objects.filter(pk=row.pk).update(announced_at=Now())
                deletion_proved.send(DomainDeletion, deletion=row)
        except Exception as error:
            if row is None or isinstance(error, DatabaseError):
                raise
            # A bug in a receiver must not keep other deletions from being announced.
            logger.exception("Nobody could be told that the deletion of %s is proven; retrying.", row.name)
            failing[row.pk] = time.monotonic() + PAUSE_SECONDS
        else:
            failing.pop(row.pk, None)
            announced += 1
    return announced
