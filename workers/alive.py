"""Who is alive, and since when nobody is."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Max, QuerySet
from django.db.models.functions import Coalesce, Now

from workers.models import Worker, WorkerKind

# A worker that has not been heard of for this long is not alive.
ALIVE = timedelta(seconds=60)


def alive_workers() -> QuerySet[Worker]:
    return Worker.objects.filter(stopped_at=None, last_round_at__gt=Now() - ALIVE)


def is_alive(kind: WorkerKind) -> bool:
    return alive_workers().filter(kind=kind).exists()


def none_since(kind: WorkerKind) -> datetime | None:
    """When a worker of this kind was last heard of. None if that is not known, or one is alive."""
    if is_alive(kind):
        return None
    heard = Coalesce("stopped_at", "last_round_at")
    since: datetime | None = Worker.objects.filter(kind=kind).aggregate(since=Max(heard))["since"]
    return since
