"""Claim deliveries for all senders of the process, as soon as one is free."""

from __future__ import annotations

import threading
import time
from datetime import datetime

from mail.delivery.claims import claim
from mail.worker.outgoing import Outgoing
from mail.worker.threads.turns import Turns
from mail.worker.troubles import Troubles
from ses_integration.api import database_now, release_connection

# How often the database is asked for what other processes have routed, and for what is to be retried.
POLL_SECONDS = 0.5
# Where it takes long, such as with thousands of endpoints that fail, it asks less often: for this part of the time at most.
MOST_BUSY = 0.05
# Between two claims: meanwhile more senders become free, and take part in the next one.
TOGETHER_SECONDS = 0.01


class Dispatching(Turns):
    name = "the claims of deliveries"
    asks_database = True

    def __init__(self, troubles: Troubles, stop: threading.Event, outgoing: Outgoing) -> None:
        super().__init__(troubles, stop)
        self._outgoing = outgoing
        self._after = ""
        self._pause = POLL_SECONDS
        # If the worker runs once: what was due when it began. Retries may go on for days.
        self._before: datetime | None = None

    def turn(self) -> bool:
        free = self._outgoing.wait(self._pause)
        if self.stop.is_set():
            return False
        if self.nothing_more is not None and self._before is None:
            self._before = database_now()
        # Before the claim: what ends after it may make room for more at its endpoint.
        is_busy = self._outgoing.is_busy
        if free.most:
            started = time.monotonic()
            claims = claim(free.most, most_slow=free.most_slow, after=self._after, before=self._before)
            release_connection()
            self._pause = max(POLL_SECONDS, (time.monotonic() - started) / MOST_BUSY)
            self._after = claims.after
            self._outgoing.add(claims, free)
            if claims.found:
                self.stop.wait(TOGETHER_SECONDS)
                return True
        return self.nothing_more is None or is_busy
