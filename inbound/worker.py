"""The worker: drives every app's own step, over and over, so that whatever is owed is done without anybody asking."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings
from django.db import close_old_connections
from django.db.utils import DatabaseError

from domains.deletion.proof import prove_deletions
from domains.deletion.service import resume_deletions
from domains.lifecycle.identity import complete_identities, refresh_identities
from inbound.models import prune_answers
from ses_integration.api import SesError, SesSweeper, auto_setup, reconcile_due, retry_delay, ses_config, sweep_database

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.5
# How long a step with much to do keeps the others waiting.
TURN_SECONDS = 10.0
# AWS or the database may just be starting, or be away for a moment: a step that runs once an hour does not wait for an hour then.
# It waits longer each time, though, where AWS has failed: each try takes a turn from those who wait for SES.
RETRY_SECONDS = 5.0
CONVERGE, REFRESH, RESUME, PROVE = "converge", "refresh identities", "resume deletions", "prove deletions"


@dataclass
class Step:
    """One thing to do at least `every` seconds apart; the first time at once."""

    name: str
    run: Callable[[], object]
    every: float = 0.0
    due: float = field(default=0.0)
    failures: int = field(default=0)

    def begin(self) -> None:
        self.due = time.monotonic() + self.every

    def try_soon(self) -> float:
        """After a failure of the database, which says nothing about SES; in how many seconds."""
        return self.put_off(min(self.every, RETRY_SECONDS))

    def back_off(self, *, attention: bool = False) -> float:
        """After a failure: longer each time, or at once for long where people must act; in how many seconds."""
        self.failures += 1
        delay = retry_delay(self.failures, attention=attention)
        return self.put_off(max(min(self.every, RETRY_SECONDS), delay.total_seconds()))

    def put_off(self, seconds: float) -> float:
        self.due = time.monotonic() + seconds
        return seconds


@dataclass(frozen=True, slots=True)
class Wait:
    """What a step answers that has left its turn to another worker's: it is due again in so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Turn:
    """What one round has done: how much, by the names of the steps that count it, and the steps that failed."""

    counts: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


class Worker:
    """Runs the steps until it is stopped. A step that fails is logged and tried again, by itself."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._alone = True
        self._sweeper = SesSweeper(settings.SES_SWEEP_SECONDS)
        self._steps = [
            Step("set up", prepare, settings.SES_SWEEP_SECONDS),
            Step("sweep SES", self._sweep_ses, settings.SES_SWEEP_SECONDS),
            Step("sweep SES again", self._sweeper.run_again, RETRY_SECONDS),
            Step("sweep database", sweep_database, settings.SES_DATABASE_SWEEP_SECONDS),
            Step(CONVERGE, lambda: reconcile_due(self._stop.is_set, seconds=TURN_SECONDS)),
            Step("take over identities", complete_identities, min(5.0, settings.SES_STATUS_SECONDS)),
            Step(REFRESH, refresh_identities, min(5.0, settings.SES_STATUS_SECONDS)),
            Step(RESUME, self._resume_deletions),
            Step(PROVE, self._prove_deletions, min(60.0, settings.SES_STATUS_SECONDS)),
            Step("forget old answers", lambda: prune_answers(self._stop.is_set, seconds=TURN_SECONDS), 60.0),
        ]

    def _sweep_ses(self) -> Wait | None:
        seconds = self._sweeper.run(at_once=self._alone)
        return None if seconds is None else Wait(seconds)

    def _resume_deletions(self) -> int:
        budget = ses_config().request_budget
        return resume_deletions(self._stop.is_set, seconds=TURN_SECONDS, request_seconds=budget)

    def _prove_deletions(self) -> int:
        return prove_deletions(self._stop.is_set, seconds=TURN_SECONDS)

    def stop(self) -> None:
        """Ends after the call that is under way; what is left stands in the database."""
        self._stop.set()

    def run(self) -> None:
        while not self._stop.is_set():
            self.tick(alone=False)
            self._stop.wait(TICK_SECONDS)

    def tick(self, *, alone: bool = True) -> Turn:
        """Every step whose turn it is, once. Who does this `alone` wants SES looked at now, whenever others have looked."""
        self._alone = alone
        turn = Turn()
        for step in self._steps:
            if self._stop.is_set() or time.monotonic() < step.due:
                continue
            step.begin()
            try:
                done = step.run()
            except SesError as error:
                seconds = step.back_off(attention=error.attention)
                logger.warning("%s: %s Tried again in %.0f s.", step.name, error.sentence, seconds)
            except DatabaseError:
                logger.exception("%s: the database failed", step.name)
                close_old_connections()
                step.try_soon()
            except Exception:
                # A bug in one step must not stop the others from paying what is owed.
                logger.exception("%s failed; tried again in %.0f s", step.name, step.back_off())
            else:
                if isinstance(done, Wait):
                    step.put_off(done.seconds)
                    continue
                step.failures = 0
                if isinstance(done, int):
                    turn.counts[step.name] = done
                continue
            turn.failed.append(step.name)
        return turn


def prepare() -> None:
    """Set up the rule set and the bucket of the emulator, which forgets them; elsewhere `ses_setup` does it once."""
    for sentence in auto_setup():
        logger.info(sentence)
