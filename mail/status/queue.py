"""The length of the queue as a mail worker has last measured it, for whoever must not call AWS."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now

from mail.models import QueueLength
from mail.status.figures import Queue, queue
from ses_integration.api import mail_source

# How often somebody measures, whichever worker it is: two calls to SQS.
MEASURE_SECONDS = 60.0
# A length that is older says nothing: then no worker runs, and that is told.
CURRENT = timedelta(minutes=5)


def measure_queue(stop: Callable[[], bool] = lambda: False, *, seconds: float = math.inf) -> int:
    """Measure it, unless there is none or another worker has just done so. A task of the worker that counts nothing."""
    url = settings.SES_QUEUE_URL
    if mail_source() != "sqs" or not url:
        return 0
    recent = QueueLength.objects.filter(url=url, measured_at__gt=Now() - timedelta(seconds=MEASURE_SECONDS / 2))
    if not recent.exists():
        found = queue()
        QueueLength.objects.update_or_create(
            url=url,
            defaults={
                "waiting": found.waiting,
                "in_flight": found.in_flight,
                "dead_letters": found.dead_letters,
                "problem": found.problem,
                "measured_at": Now(),
            },
        )
    return 0


def measured_queue() -> Queue | None:
    """None if it was not measured lately. One statement."""
    rows = QueueLength.objects.filter(url=settings.SES_QUEUE_URL, measured_at__gt=Now() - CURRENT)
    row = rows.first() if mail_source() == "sqs" else None
    return None if row is None else Queue(row.waiting, row.in_flight, row.dead_letters, row.problem)
