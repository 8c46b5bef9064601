"""Ingest mail: what the receivers of this process have noted, and what is due."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from mail.ingest.claims import claim_due, postpone_unexpected, renewed
from mail.ingest.ingest import Outcome, ingest
from mail.ingest.room import Room
from mail.models import ClaimedMessage
from mail.parsing.pool import Parser
from mail.worker.backlog import Backlog
from mail.worker.threads.turns import Turns
from mail.worker.troubles import Troubles
from ses_integration.api import NotStored

logger = logging.getLogger(__name__)

# How often the database is asked for mail that no receiver of this process has noted.
DUE_SECONDS = 1.0
DUE_AT_ONCE = 10
# Other threads may put a mail aside at any time.
WAIT_SECONDS = 0.5
S3 = "S3"


class Due:
    """Asks for due mail on behalf of all threads: each second, and at once while there is plenty."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0.0

    def claim(self, backlog: Backlog, *, now: bool = False) -> bool:
        """Add what is due to the backlog, and return whether there was any. Another thread may be asking: then nothing."""
        if not (now or time.monotonic() >= self._next) or not self._lock.acquire(blocking=now):
            return False
        try:
            self._next = time.monotonic() + DUE_SECONDS
            claims = claim_due(DUE_AT_ONCE)
            backlog.add(claims)
            if len(claims) == DUE_AT_ONCE and len(backlog) <= DUE_AT_ONCE:
                self._next = 0.0
            return bool(claims)
        finally:
            self._lock.release()


class Parsing(Turns):
    name = "the ingest of mail"

    def __init__(
        self,
        troubles: Troubles,
        stop: threading.Event,
        backlog: Backlog,
        room: Room,
        due: Due,
        wake: Callable[[], None],
    ) -> None:
        super().__init__(troubles, stop)
        self._backlog = backlog
        self._room = room
        self._due = due
        # Somebody waits for what is to deliver.
        self._wake = wake
        self._parser = Parser(seconds=settings.MAIL_PARSE_SECONDS, megabytes=settings.MAIL_PARSE_MB)
        # The mail that this thread is working on.
        self.in_hand: ClaimedMessage | None = None

    def end(self) -> None:
        self._parser.close()

    def turn(self) -> bool:
        last = self.nothing_more is not None and self.nothing_more.is_set()
        self._due.claim(self._backlog, now=last and not len(self._backlog))
        claim = self._next_in_line() or self._backlog.take(0.0 if last else WAIT_SECONDS)
        if claim is None:
            # Another thread may have taken what is left; it also takes what has no room now.
            return False
        self.in_hand = claim
        try:
            self._ingest(claim)
        except (DatabaseError, InterfaceError):
            # The claim is as good as before, and the result is not lost for good.
            self._backlog.add([claim])
            raise
        except Exception:
            logger.exception("Message %s could not be ingested.", claim.pk)
            postpone_unexpected(claim)
            self.counts[Outcome.POSTPONED] += 1
        finally:
            self.in_hand = None
        return True

    def _next_in_line(self) -> ClaimedMessage | None:
        """The next mail that was put aside, unless another process has it by now: that would be read in vain."""
        while (claim := self._room.next_in_line()) is not None:
            mine: ClaimedMessage | None = None
            try:
                mine = renewed(claim) if claim.is_too_old else claim
            finally:
                if mine is None:
                    self._room.give(claim)
            if mine is not None:
                return mine
        return None

    def _ingest(self, claim: ClaimedMessage) -> None:
        outcome, error = ingest(claim, self._parser, self._room)
        if outcome == Outcome.ROUTED:
            self._wake()
            outcome = Outcome.INGESTED
        self.counts[outcome] += 1
        if outcome == Outcome.INGESTED:
            self.troubles.worked(S3)
        elif isinstance(error, NotStored):
            logger.info("Message %s: %s", claim.pk, error.sentence)
        elif error is not None:
            self.troubles.failed(S3, error)
