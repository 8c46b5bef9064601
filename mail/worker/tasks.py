"""What the worker does now and then besides receiving mail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mail.delivery.expiry import run_expiry
from mail.erasure.task import run_erasures
from mail.status.queue import MEASURE_SECONDS, measure_queue
from mail.webhooks.notices import run_notices

# What senders give up counts as well.
GAVE_UP = "gave up"


class Task(Protocol):
    def __call__(self, stop: Callable[[], bool], *, seconds: float) -> int:
        """Work for about `seconds`, end early if `stop()`, and return how much was done."""


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """`interval`: seconds between two runs. `done` and `noun`: what the number of a run counts, as in "erased 3 mails".

    `left`: what a run has left, if anything, as a part of a sentence.
    """

    name: str
    run: Task
    interval: float
    done: str
    noun: str
    left: Callable[[], str] = str


PERIODIC = [
    PeriodicTask("the erasure of mail", run_erasures, 5.0, "erased", "mail"),
    PeriodicTask("the events", run_notices, 5.0, "told webhooks of", "event"),
    PeriodicTask("the expiry of deliveries", run_expiry, 60.0, GAVE_UP, "delivery"),
    PeriodicTask("the length of the queue", measure_queue, MEASURE_SECONDS, "measured", "queue"),
]


def add_task(task: PeriodicTask) -> None:
    """Let each mail worker also do this. For the apps above, when Django starts."""
    PERIODIC.append(task)
