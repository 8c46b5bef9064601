"""The worker: a loop over the background tasks of all apps, which finishes pending work without a request."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections

from audit.origin import Door, Origin, acting
from audit.retention import prune_changes
from desk.samples import take_sample
from domains.deletion.proof import prove_deletions
from domains.deletion.proved import announce_proved
from domains.deletion.service import resume_deletions
from domains.grace.end import end_due
from domains.lifecycle.identity import check_due, complete_identities
from inbound.database.outages import is_outage
from inbound.models import prune_idempotency_records
from ses_integration.api import (
    SesError,
    SesSweeper,
    auto_setup,
    reconcile_due,
    retry_delay,
    sweep_database,
)
from workers.heartbeat import Heartbeat
from workers.wording import BUG, NO_DATABASE

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.5
# A task with much to do returns after about this time, so that the other tasks get their turn.
TASK_SECONDS = 10.0
# Retry a failed task soon even if it runs only once an hour: AWS or the database may just be starting. After failures of
# AWS the delay grows, because every attempt uses the rate limit that requests are waiting for.
RETRY_SECONDS = 5.0
# Somebody looks at the rule set once a minute, whichever worker it is.
LOOK_SECONDS = 10.0
# What is over is never restored, however long the worker waits.
END_SECONDS = 10.0
SAMPLE_SECONDS = 3600.0
RECONCILE, CHECK, RESUME, VERIFY = "reconcile", "check domains", "resume deletions", "verify deletions"


@dataclass
class BackgroundTask:
    """A task to run every `interval` seconds, starting at once. `due`: the next time, a value of `time.monotonic()`.

    `problem`: why it failed, until it works. `needs_you`: trying again does not help until a person acts.
    """

    name: str
    run: Callable[[], object]
    interval: float = 0.0
    due: float = 0.0
    failures: int = 0
    problem: str = ""
    needs_you: bool = False

    def begin(self) -> None:
        self.delay(self.interval)

    def retry_soon(self, *, is_outage: bool) -> None:
        """Retry after a database failure, which says nothing about SES."""
        self.problem, self.needs_you = (NO_DATABASE, False) if is_outage else (BUG, True)
        self.delay(min(self.interval, RETRY_SECONDS))

    def back_off(self, error: SesError | None = None) -> float:
        """Retry after a growing delay, or a long one if a person must act. Returns the delay in seconds."""
        self.failures += 1
        self.problem = error.sentence if error else BUG
        self.needs_you = error is None or error.needs_attention
        seconds = retry_delay(self.failures, error=error).total_seconds()
        seconds = max(min(self.interval, RETRY_SECONDS), seconds)
        self.delay(seconds)
        return seconds

    def worked(self) -> None:
        self.failures, self.problem, self.needs_you = 0, "", False

    def worked_partly(self) -> None:
        self.failures, self.problem, self.needs_you = 0, BUG, True

    def delay(self, seconds: float) -> None:
        self.due = time.monotonic() + seconds


@dataclass(frozen=True, slots=True)
class NotDue:
    """The result of a task that another worker has just run: try again in `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Partly:
    """The result of a task that has done its work except for what failed because of a bug. It runs again as usual."""

    done: int


@dataclass(frozen=True, slots=True)
class Round:
    """The result of one round: `counts` by task, for tasks that count their work, and the names of failed tasks."""

    counts: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


class Worker:
    """A loop over the tasks. A task that fails is logged and retried, and the others go on."""

    def __init__(self, heartbeat: Heartbeat | None = None) -> None:
        self._heartbeat = heartbeat
        self._stop = threading.Event()
        self._once = True
        self._database_is_away = False
        self._not_announced: dict[str, float] = {}
        self._sweeper = SesSweeper(settings.SES_SWEEP_SECONDS, self._say_alive)
        self._tasks = [
            BackgroundTask("set up", run_auto_setup, settings.SES_SWEEP_SECONDS),
            BackgroundTask("sweep SES", self._sweep_ses, settings.SES_SWEEP_SECONDS),
            BackgroundTask("look at SES", self._sweeper.look, min(LOOK_SECONDS, settings.SES_SWEEP_SECONDS)),
            BackgroundTask("sweep SES again", self._sweeper.run_again, RETRY_SECONDS),
            BackgroundTask("sweep database", sweep_database, settings.SES_DATABASE_SWEEP_SECONDS),
            BackgroundTask("end grace periods", lambda: end_due(self._is_stopped, seconds=TASK_SECONDS), END_SECONDS),
            BackgroundTask(RECONCILE, lambda: reconcile_due(self._is_stopped, seconds=TASK_SECONDS)),
            BackgroundTask("take over identities", complete_identities, min(5.0, settings.SES_STATUS_SECONDS)),
            BackgroundTask(CHECK, check_due, min(5.0, settings.SES_STATUS_SECONDS)),
            BackgroundTask(RESUME, self._resume_deletions),
            BackgroundTask(VERIFY, self._verify_deletions, min(60.0, settings.SES_STATUS_SECONDS)),
            BackgroundTask("announce deletions", self._announce_deletions, min(5.0, settings.SES_STATUS_SECONDS)),
            BackgroundTask("keep a sample of the quotas", take_sample, SAMPLE_SECONDS),
            BackgroundTask(
                "prune idempotency records",
                lambda: prune_idempotency_records(self._is_stopped, seconds=TASK_SECONDS),
                60.0,
            ),
            BackgroundTask(
                "prune the audit log", lambda: prune_changes(self._is_stopped, seconds=TASK_SECONDS), 3600.0
            ),
        ]

    def _sweep_ses(self) -> NotDue | None:
        seconds = self._sweeper.run(at_once=self._once)
        return None if seconds is None else NotDue(seconds)

    def _resume_deletions(self) -> int:
        return resume_deletions(self._is_stopped, seconds=TASK_SECONDS, request_seconds=settings.SES_REQUEST_BUDGET)

    def _announce_deletions(self) -> int | Partly:
        done = announce_proved(self._is_stopped, seconds=TASK_SECONDS, failing=self._not_announced)
        return Partly(done) if self._not_announced else done

    def _verify_deletions(self) -> int:
        return prove_deletions(self._is_stopped, seconds=TASK_SECONDS)

    def _is_stopped(self) -> bool:
        """For tasks, which ask between two steps: all steps together may take longer than a worker is silent."""
        self._say_alive()
        return self._stop.is_set()

    def stop(self) -> None:
        """Stop after the current call. Pending work stays in the database."""
        self._stop.set()

    def run(self) -> None:
        while not self._stop.is_set():
            self.tick(once=False)
            self._stop.wait(TICK_SECONDS)

    def tick(self, *, once: bool = True) -> Round:
        """Run every due task. `once`: the only round (`ses_worker --once`), so sweep SES even if another worker just did."""
        self._once = once
        result = Round()
        for task in self._tasks:
            # Before each task, because a round may take minutes.
            self._say_alive()
            if self._stop.is_set() or time.monotonic() < task.due:
                continue
            task.begin()
            try:
                with acting(Origin(Door.WORKER, via=task.name)):
                    done = task.run()
            except SesError as error:
                seconds = task.back_off(error)
                logger.warning("%s: %s Retrying in %.0f s.", task.name, error.sentence, seconds)
            except (DatabaseError, InterfaceError) as error:
                passes = is_outage(error)
                # Every task notices an outage several times a second. One line says enough.
                if not (self._database_is_away and passes):
                    logger.error("%s: the database failed: %s", task.name, error, exc_info=not passes)
                self._database_is_away = passes
                close_old_connections()
                task.retry_soon(is_outage=passes)
            except Exception:
                # A bug in one task must not keep the others from finishing pending work.
                logger.exception("%s failed; retrying in %.0f s", task.name, task.back_off())
            else:
                if isinstance(done, NotDue):
                    if not task.failures:
                        task.worked()
                    task.delay(done.seconds)
                    continue
                if self._database_is_away:
                    self._database_is_away = False
                    logger.warning("The database is back.")
                if isinstance(done, Partly):
                    task.worked_partly()
                    result.counts[task.name] = done.done
                    result.failed.append(task.name)
                    continue
                task.worked()
                if isinstance(done, int):
                    result.counts[task.name] = done
                continue
            result.failed.append(task.name)
        return result

    def _say_alive(self) -> None:
        if self._heartbeat is None:
            return
        failing = [task for task in self._tasks if task.problem]
        worst = max(failing, key=lambda task: task.needs_you, default=None)
        if worst is None:
            self._heartbeat.round()
        else:
            self._heartbeat.round(f"{worst.name}: {worst.problem}", needs_you=worst.needs_you)


def run_auto_setup() -> None:
    """Run `auto_setup` and log what it created."""
    for sentence in auto_setup():
        logger.info(sentence)
