"""What the worker does now and then besides receiving mail."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mail.erasure.task import run_erasures
from mail.worker.troubles import Troubles
from mail.worker.turns import Turns

# A task with much to do returns after about this time, so that the other tasks get their turn.
TASK_SECONDS = 10.0


class Task(Protocol):
    def __call__(self, stop: Callable[[], bool], *, seconds: float) -> int:
        """Work for about `seconds`, end early if `stop()`, and return how much was done."""


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """`interval`: seconds between two runs. `done` and `noun`: what the number of a run counts, as in "erased 3 mails"."""

    name: str
    run: Task
    interval: float
    done: str
    noun: str


PERIODIC = (PeriodicTask("the erasure of mail", run_erasures, 5.0, "erased", "mail"),)


class Periodic(Turns):
    """A task, again and again."""

    asks_database = True

    def __init__(self, troubles: Troubles, stop: threading.Event, task: PeriodicTask) -> None:
        super().__init__(troubles, stop)
        self.name = task.name
        self.idle = task.interval
        self._task = task

    def turn(self) -> bool:
        done = self._task.run(self.stop.is_set, seconds=TASK_SECONDS)
        self.counts[self._task.done] += done
        return done > 0
