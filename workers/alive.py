"""Who is alive, and since when nobody is."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Max, QuerySet
from django.db.models.functions import Coalesce, Now

from workers.models import Worker, WorkerKind, here

# A worker that has not been heard of for this long is not alive.
ALIVE = timedelta(seconds=60)


def workers_here() -> QuerySet[Worker]:
    """Those that work for the configured region and rule set."""
    return Worker.objects.filter(place__in=["", here()])


def alive_workers() -> QuerySet[Worker]:
    """A time that is far ahead is none: the database's clock was wrong when it was written."""
    return workers_here().filter(stopped_at=None, last_round_at__gt=Now() - ALIVE, last_round_at__lt=Now() + ALIVE)


def is_alive(kind: WorkerKind) -> bool:
    return alive_workers().filter(kind=kind).exists()


def none_since(kind: WorkerKind) -> datetime | None:
    """When a worker of this kind was last heard of. None if that is not known, or one is alive."""
    if is_alive(kind):
        return None
    heard = Coalesce("stopped_at", "last_round_at")
    since: datetime | None = workers_here().filter(kind=kind).aggregate(since=Max(heard))["since"]
    return since
