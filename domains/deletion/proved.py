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


def announce_proved(stop: Callable[[], bool] = lambda: False, *, seconds: float = math.inf) -> int:
    """Send `deletion_proved` for deletions that are proven and not announced yet, and return how many. A task of the worker.

    What receivers write is committed with the note that the deletion is announced, so they write it exactly once. If one
    fails, nothing is committed, and all are called again in the next round. A later proof of the same deletion sends nothing.
    Raises the last error of a receiver, after the others had their turn.
    """
    until = time.monotonic() + seconds
    announced, failed = 0, dict[str, Exception]()
    while not stop() and time.monotonic() < until:
        waiting = DomainDeletion.objects.filter(proved_at__isnull=False, announced_at=None).exclude(pk__in=list(failed))
        row = None
        try:
            with transaction.atomic():
                row = waiting.select_for_update(skip_locked=True).order_by("proved_at").first()
                if row is None:
                    break
                DomainDeletion.objects.filter(pk=row.pk).update(announced_at=Now())
                deletion_proved.send(DomainDeletion, deletion=row)
        except Exception as error:
            if row is None or isinstance(error, DatabaseError):
                raise
            # A bug in a receiver must not keep other deletions from being announced.
            logger.error("Nobody could be told that the deletion of %s is proven; retrying.", row.name)
            failed[row.pk] = error
        else:
            announced += 1
    if failed:
        # The worker says so: otherwise nobody would notice.
        raise [*failed.values()][-1]
    return announced
