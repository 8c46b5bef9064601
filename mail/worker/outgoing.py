"""Claimed deliveries on their way from the dispatcher to the senders of one process."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass

from mail.delivery.claims import ClaimedDelivery, Claims

# An attempt that takes longer no longer counts as one of `senders`: another thread takes its place.
LONG_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Free:
    """How many deliveries may be claimed now, and how many of them for slow endpoints."""

    most: int
    most_slow: int


class Outgoing:
    """What `senders` threads are to do, and as many more, which take over while attempts last long.

    So receivers that hang keep nobody else waiting for more than LONG_SECONDS, unless there are many of them. From then on they
    are known to be slow, and get half of the senders at most.
    """

    def __init__(self, senders: int) -> None:
        self.threads = 2 * senders
        self._senders = senders
        self._most_slow = max(1, senders // 2)
        self._waiting: deque[ClaimedDelivery] = deque()
        # When each began.
        self._in_hand: dict[ClaimedDelivery, float] = {}
        self._lock = threading.Lock()
        self._taken = threading.Condition(self._lock)
        self._asked = threading.Condition(self._lock)
        # Whether something may be due that was not at the last claim.
        self._is_due = True
        self._found = False
        self._is_closed = False

    def wake(self) -> None:
        """Something is due."""
        with self._lock:
            self._is_due = True
            self._asked.notify()

    def wait(self, seconds: float) -> Free:
        """Wait up to `seconds` until something may be due and a sender is free, and return how much may be claimed."""
        with self._lock:
            self._asked.wait_for(lambda: self._is_due and self._free().most > 0, seconds)
            free = self._free()
            # Nobody is free to claim it: it stays due.
            self._is_due &= not free.most
            return free

    def add(self, claims: Claims, asked: Free) -> None:
        """Hand over what was claimed, of what was asked for."""
        with self._lock:
            self._waiting.extend(claims.deliveries)
            # There may be more: for another endpoint now, or for the same ones as soon as they have answered.
            self._is_due |= claims.found == asked.most or claims.found > len(claims.deliveries)
            # Or behind the slow endpoints: the next claim leaves them out.
            self._is_due |= 0 < asked.most_slow <= sum(claim.is_slow for claim in claims.deliveries)
            self._found = claims.found > 0
            self._taken.notify(len(self._waiting))

    def take(self, seconds: float) -> ClaimedDelivery | None:
        """The next claim, waiting up to `seconds` for one. `done` has to follow."""
        with self._lock:
            self._taken.wait_for(lambda: self._waiting or self._is_closed, seconds)
            if not self._waiting:
                return None
            claim = self._waiting.popleft()
            self._in_hand[claim] = time.monotonic()
            return claim

    def done(self, claim: ClaimedDelivery) -> None:
        with self._lock:
            self._in_hand.pop(claim, None)
            # Its endpoint may take another one.
            self._is_due |= self._found
            self._asked.notify()

    def close(self) -> None:
        """Let nobody wait for a claim any more."""
        with self._lock:
            self._is_closed = True
            self._taken.notify_all()

    def leave(self) -> tuple[list[ClaimedDelivery], list[ClaimedDelivery]]:
        """What waits, which nobody takes any more, and what is being attempted."""
        with self._lock:
            waiting, in_hand = list(self._waiting), list(self._in_hand)
            self._waiting.clear()
            return waiting, in_hand

    @property
    def is_busy(self) -> bool:
        with self._lock:
            return bool(self._waiting or self._in_hand)

    def _free(self) -> Free:
        long_ago = time.monotonic() - LONG_SECONDS
        short = sum(began > long_ago for began in self._in_hand.values())
        claims = [*self._waiting, *self._in_hand]
        most = min(self._senders - short, self.threads - len(self._in_hand)) - len(self._waiting)
        return Free(max(0, most), max(0, self._most_slow - sum(claim.is_slow for claim in claims)))
