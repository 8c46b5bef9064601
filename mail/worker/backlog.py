"""Claimed mail on its way from the receivers to the parsers of one process."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from mail.models import ClaimedMessage

# Enough for the parsers while a receiver waits for SQS, and little enough that no claim waits for long.
MOST_WAITING = 40


class Backlog:
    """A queue of claims. Whoever adds them waits for room afterwards, so that nothing is claimed that nobody can take."""

    def __init__(self) -> None:
        self._claims: deque[ClaimedMessage] = deque()
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._claims)

    def add(self, claims: Iterable[ClaimedMessage]) -> None:
        with self._changed:
            self._claims.extend(claims)
            self._changed.notify_all()

    def take(self, seconds: float = 0.0) -> ClaimedMessage | None:
        """The next claim that is still long enough, waiting up to `seconds` for one."""
        until = time.monotonic() + seconds
        with self._changed:
            while True:
                while self._claims:
                    claim = self._claims.popleft()
                    self._changed.notify_all()
                    # Another process may have the mail soon, or it comes again as one that is due.
                    if not claim.is_too_old:
                        return claim
                left = until - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    return None

    def wait_for_room(self, stopped: Callable[[], bool]) -> None:
        with self._changed:
            while len(self._claims) >= MOST_WAITING and not stopped():
                self._changed.wait(0.5)

    def leave(self) -> list[ClaimedMessage]:
        """Everything that waits, which nobody takes any more."""
        with self._changed:
            left = list(self._claims)
            self._claims.clear()
            self._changed.notify_all()
            return left
