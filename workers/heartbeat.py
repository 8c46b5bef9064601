"""How a worker says that it is alive."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Self

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from workers.models import Worker, WorkerKind, here

# A worker is heard of so often that one late sign of life does not make it look dead.
INTERVAL_SECONDS = 5.0
KEPT = timedelta(days=1)


class Heartbeat:
    """The signs of life of this process, as a context. A database that is away does not stop the worker: it is told later."""

    def __init__(self, kind: WorkerKind) -> None:
        self._kind = kind
        self._host = socket.gethostname()
        self._pk = 0
        self._written_at = 0.0

    def __enter__(self) -> Self:
        self.round()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """A worker that ends with an error has not stopped: it has died, and looks like that."""
        if error is None and self._pk:
            with suppress(DatabaseError, InterfaceError):
                self._own().update(stopped_at=Now())

    def round(self, problem: str = "", *, needs_you: bool = False) -> None:
        """Record a sign of life, unless the last one is recent. `problem`: what has failed and not worked since, as a sentence.

        `needs_you`: trying again does not help until a person acts.
        """
        if self._pk and time.monotonic() < self._written_at + INTERVAL_SECONDS:
            return
        try:
            self._write(problem[: Worker.PROBLEM_LENGTH], needs_you)
            self._written_at = time.monotonic()
        except (DatabaseError, InterfaceError):
            close_old_connections()

    def _write(self, problem: str, needs_you: bool) -> None:
        values = {"last_round_at": Now(), "problem": problem, "needs_you": needs_you}
        if not self._own().update(**values):
            # The first sign of life, or the row is gone: this process was suspended for days, or the database was restored.
            self._begin()
            self._own().update(**values)
        # The time at which it began stays, whatever it says.
        if problem:
            self._own().filter(problem_since=None).update(problem_since=Now())
        else:
            self._own().exclude(problem_since=None).update(problem_since=None)

    def _own(self) -> QuerySet[Worker]:
        """In a database that was restored, the key may be that of another process."""
        return Worker.objects.filter(pk=self._pk, host=self._host, pid=os.getpid())

    def _begin(self) -> None:
        with transaction.atomic():
            # Not those of the other kind: when the last one ran is told until there is another.
            Worker.objects.filter(kind=self._kind, last_round_at__lt=Now() - KEPT).delete()
            row = Worker.objects.create(
                kind=self._kind,
                host=self._host,
                pid=os.getpid(),
                version=settings.VERSION,
                place=here(),
                started_at=Now(),
                last_round_at=Now(),
            )
        self._pk = row.pk
