"""How many bytes of mail a process has in hand: large mail goes one by one, while small mail passes it."""

from __future__ import annotations

import threading
from collections import deque

from mail.models import ClaimedMessage

MEGABYTE = 1024 * 1024
# Mail up to this size is not counted: a thread has only one at a time.
SMALL = MEGABYTE // 4
# A mail of 40 MB takes five times its size while it is parsed, so no two of them at once.
IN_HAND = 64 * MEGABYTE


class Room:
    """Room for large mail in a process with this number of `threads`. One of several threads is always left to small mail.

    Mail without room is put aside in its order, and has precedence when there is room again.
    """

    def __init__(self, threads: int, megabytes: int = IN_HAND // MEGABYTE) -> None:
        self._most_bytes = megabytes * MEGABYTE
        self._most_mails = max(1, threads - 1)
        self._taken: dict[int, int] = {}
        self._aside: deque[tuple[ClaimedMessage, int]] = deque()
        self._lock = threading.Lock()

    def take(self, claim: ClaimedMessage, size: int) -> bool:
        """Take room for a mail until `give`. Without room, put the mail aside and return False."""
        if size <= SMALL:
            return True
        with self._lock:
            if claim.pk in self._taken:
                return True
            if self._aside or not self._fits(size):
                self._aside.append((claim, size))
                return False
            self._taken[claim.pk] = size
            return True

    def give(self, claim: ClaimedMessage) -> None:
        with self._lock:
            self._taken.pop(claim.pk, None)

    def next_in_line(self) -> ClaimedMessage | None:
        """The next mail that was put aside, if there is room for it. The room is taken."""
        with self._lock:
            if not self._aside or not self._fits(self._aside[0][1]):
                return None
            claim, size = self._aside.popleft()
            self._taken[claim.pk] = size
            return claim

    def leave(self) -> list[ClaimedMessage]:
        """Everything that was put aside, which nobody takes any more."""
        with self._lock:
            left = [claim for claim, _ in self._aside]
            self._aside.clear()
            return left

    @property
    def is_waited_for(self) -> bool:
        return bool(self._aside)

    def _fits(self, size: int) -> bool:
        if not self._taken:
            # Even if it is larger than everything together may be.
            return True
        return len(self._taken) < self._most_mails and sum(self._taken.values()) + size <= self._most_bytes
