"""When a delivery is attempted again, and when an endpoint that fails is. Pure functions.

See docs/architecture/delivery.md, "Schedule" and "Gates".
"""

from __future__ import annotations

from collections.abc import Sequence

from mail.models.gate import GATE_CLOSES_AFTER

# Pauses vary by this fraction, so that deliveries that failed together do not come back together.
JITTER = 0.2
# The longest that a receiver may ask for with Retry-After.
MOST_RETRY_AFTER = 3600.0
ASKS_FOR_PAUSE = (429, 503)

FIRST_GATE_PAUSE = 5.0
LONGEST_GATE_PAUSE = 300.0


def next_pause(
    attempt: int,
    pauses: Sequence[float],
    *,
    chance: float,
    retries: int | None = None,
    retry_after: float = 0.0,
) -> float | None:
    """Seconds to wait after attempt number `attempt` (from 1) has failed. None if it was the last.

    `retries`: how many the endpoint's owner wants, None for as many as there are `pauses`. With more, the last pause repeats.
    `chance`: a random number from 0 to 1. `retry_after`: seconds that the receiver wants to be left alone.
    """
    if not pauses or attempt > (len(pauses) if retries is None else retries):
        return None
    pause = pauses[min(attempt, len(pauses)) - 1]
    return max(pause * (1 - JITTER + 2 * JITTER * chance), retry_after)


def wanted_pause(status_code: int | None, retry_after: float | None) -> float:
    """Seconds that a receiver has asked for, as far as that is respected. 0 if it has not."""
    if status_code not in ASKS_FOR_PAUSE or retry_after is None:
        return 0.0
    return min(max(0.0, retry_after), MOST_RETRY_AFTER)


def gate_pause(failures: int, pauses: Sequence[float]) -> float:
    """Seconds until the next attempt at an endpoint that has failed so often in a row. 0 while its gate is open.

    `pauses`: the schedule. With a short one the gate's pauses are short too, so that deliveries do not die before a probe.
    """
    closed_for = failures - GATE_CLOSES_AFTER
    if closed_for < 0:
        return 0.0
    # Beyond ten, the power would not matter and only grow.
    longest = max(FIRST_GATE_PAUSE, min(LONGEST_GATE_PAUSE, max(pauses, default=LONGEST_GATE_PAUSE)))
    return min(longest, FIRST_GATE_PAUSE * 2.0 ** min(closed_for, 10))
