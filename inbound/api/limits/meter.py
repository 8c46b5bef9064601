"""How many requests a key has made in this minute, in all processes.

Each process counts by itself and adds its count to the key's row at most once a second, which also tells it what the others have
counted. So a request costs no statement, and several processes together may pass a limit by what they get in a second.

The minute is the database's: processes whose clocks are minutes apart would begin each other's count anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from inbound.models import add_requests

MINUTE = 60
SECONDS_BETWEEN_SUMS = 1.0


@dataclass(frozen=True, slots=True)
class Left:
    """What a key has left. `remaining` is None if the request itself is too many."""

    limit: int
    remaining: int | None
    reset_seconds: int


@dataclass(slots=True)
class _Count:
    """`total`: in all processes, as far as this one knows. `own`: what it has not added to the row yet."""

    total: int = 0
    own: int = 0
    next_sum: float = 0.0


class Meter:
    def __init__(self, clock: Callable[[], float] = time.time, *, follows_database: bool = True) -> None:
        self._clock = clock
        self._follows_database = follows_database
        # How far this clock is behind the database's, in seconds.
        self._behind = 0.0
        self._lock = Lock()
        self._minute = 0
        self._counts: dict[int, _Count] = {}

    def take(self, key_id: int, limit: int) -> Left:
        """Count a request of a key, unless it is too many. At most one statement a second for each key."""
        clock = self._clock()
        now = clock + self._behind
        minute = int(now // MINUTE)
        with self._lock:
            # One before it is a clock that is set a little; one long before, a clock that was wrong.
            if minute != self._minute and minute != self._minute - 1:
                self._minute, self._counts = minute, {}
            count = self._counts.setdefault(key_id, _Count())
            is_refused = count.total + count.own >= limit
            if not is_refused:
                count.own += 1
            sums = count.own > 0 and clock >= count.next_sum
            if sums:
                count.next_sum = clock + SECONDS_BETWEEN_SUMS
                added, count.own = count.own, 0
                count.total += added
        if sums:
            total, database_now = add_requests(key_id, minute, added)
            with self._lock:
                if database_now is not None and self._follows_database:
                    self._behind = database_now - self._clock()
                count.total = max(count.total, total)
                is_refused |= count.total > limit
        reset = max(1, MINUTE - int(now % MINUTE))
        return Left(limit, None if is_refused else max(0, limit - count.total - count.own), reset)


METER = Meter()
