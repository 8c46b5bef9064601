"""The loop of every thread: turns, until the worker is stopped, or in a worker that runs once, until nothing is left."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import Counter

from django.db import close_old_connections, connections

from audit.origin import Door, Origin, acting
from mail.worker.troubles import DATABASE, Troubles


class Turns(ABC):
    """One thread of a worker. `counts`: what it has done, by name."""

    # As in "S3: it does not answer."
    name: str
    # Seconds to wait after a turn that found nothing to do.
    idle = 0.0
    # Whether every turn asks the database for something, so that it works if a turn does.
    asks_database = False
    # A turn that takes longer hangs. None: some take hours.
    longest: float | None = 900.0

    def __init__(self, troubles: Troubles, stop: threading.Event) -> None:
        self.troubles = troubles
        self.stop = stop
        self.counts: Counter[str] = Counter()
        # If the worker runs once: set as soon as nothing more can come for this thread.
        self.nothing_more: threading.Event | None = None
        # When the turn that is under way began, by `time.monotonic()`.
        self.began: float | None = None

    @abstractmethod
    def turn(self) -> bool:
        """Do the next thing, and return whether there was any. What it raises is logged, and it is tried again later."""

    def end(self) -> None:  # noqa: B027 - most have nothing to let go of
        """Let go of everything. In the thread, after the last turn."""

    @property
    def hangs(self) -> bool:
        began = self.began
        return self.longest is not None and began is not None and time.monotonic() > began + self.longest

    def run(self) -> None:
        try:
            while not self.stop.is_set():
                last = self.nothing_more is not None and self.nothing_more.is_set()
                pause = self._take_turn()
                if pause is None or (last and pause):
                    return
                self.stop.wait(pause)
        finally:
            try:
                self.end()
            finally:
                connections.close_all()

    def _take_turn(self) -> float | None:
        """Seconds until the next turn: 0 after work. None if there is to be none, because somebody waits for the end."""
        self.began = time.monotonic()
        try:
            with acting(Origin(Door.WORKER, via=self.name)):
                worked = self.turn()
        except Exception as error:
            pause = self.troubles.failed(self.name, error)
            close_old_connections()
            return pause if self.nothing_more is None else None
        finally:
            self.began = None
        self.troubles.worked(self.name, *([DATABASE] if self.asks_database else []))
        # Even without a pause, a turn without work may be the last.
        return 0.0 if worked else max(self.idle, 0.001)
