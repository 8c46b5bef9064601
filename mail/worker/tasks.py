"""What the worker does now and then besides receiving mail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mail.erasure.task import run_erasures


class Task(Protocol):
    def __call__(self, stop: Callable[[], bool], *, seconds: float) -> int:
        """Work for about `seconds`, end early if `stop()`, and return how much was done."""


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """`interval`: seconds between two runs. `done`: what the number of a run counts, as in "erased 3 mails"."""

    name: str
    run: Task
    interval: float
    done: tuple[str, str]


PERIODIC = [PeriodicTask("the erasure of mail", run_erasures, 5.0, ("erased {}", "mail"))]
