"""Run a task again and again."""

from __future__ import annotations

import threading

from mail.worker.tasks import PeriodicTask
from mail.worker.threads.turns import Turns
from mail.worker.troubles import Troubles

# A task with much to do returns after about this time, so that it can be stopped.
TASK_SECONDS = 10.0


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
