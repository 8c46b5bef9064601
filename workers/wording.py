"""What people read about work that waits for a worker. The only place that says that something goes on by itself."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.utils import timezone

from backoffice.text import duration, listed, moment
from workers.alive import is_alive, none_since
from workers.models import WorkerKind, here

# What is told of a failure in place of the exception's text, which may have rows and hosts in it: owners read it, too.
BUG = "It failed because of a bug; the log of the worker says more."
NO_DATABASE = "The database cannot be used."


def left_to(kind: WorkerKind, promise: str) -> str:
    """The `promise` while a worker is alive that can keep it; otherwise that it waits for one. Up to three statements."""
    return promise if is_alive(kind) else waits_for(kind)


def waits_for(kind: WorkerKind) -> str:
    """What happens next while no worker is alive."""
    return f"It is recorded, and waits: {no_worker(kind, none_since(kind), timezone.now())}."


def no_worker(kind: str, since: datetime | None, now: datetime, elsewhere: Collection[str] = ()) -> str:
    """A part of a sentence: `no ses_worker has run since 2026-11-26 02:40:00 UTC (4 min)`.

    `elsewhere`: the regions and rule sets that workers run for instead.
    """
    wrong = f"; one runs for {listed(sorted(set(elsewhere)))}" if elsewhere else ""
    when = f"has run since {moment(since)} ({duration(now - since)})" if since else "has ever run"
    return f"no {kind} {when}{f' for {here()}{wrong}' if wrong else ''}"
