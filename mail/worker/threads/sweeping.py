"""Sweep one domain after the other, when it is due."""

from __future__ import annotations

import logging
import threading
import time

from mail.arrival.sweep import Lost, Pass, add_missing_sweeps, claim_sweep, make_all_due
from mail.worker.threads.turns import Turns
from mail.worker.troubles import Troubles

logger = logging.getLogger(__name__)

# How often to look for domains that are new. Their first sweep is not urgent.
NEW_DOMAINS_SECONDS = 60.0


class Sweeping(Turns):
    """`now`: sweep every domain, whenever that was done last, and without leaving alone what has just been stored."""

    name = "the sweep"
    idle = 5.0
    asks_database = True
    longest = None

    def __init__(self, troubles: Troubles, stop: threading.Event, *, now: bool = False) -> None:
        super().__init__(troubles, stop)
        self._now = now
        self._next_look = 0.0

    def turn(self) -> bool:
        if time.monotonic() >= self._next_look:
            # Once, if it is for `now`: a sweep that has ended is not made due again.
            if self._now and not self._next_look:
                make_all_due()
            add_missing_sweeps()
            self._next_look = time.monotonic() + NEW_DOMAINS_SECONDS
        row = claim_sweep()
        if row is None:
            return False
        try:
            swept = Pass(row).run(self.stop.is_set, grace=0.0 if self._now else None)
        except Lost:
            return True
        self.counts += {"swept": int(swept.finished), "found": swept.found, "listed": swept.listed}
        return True
