"""The erasure of single mails, as a task of the mail worker."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from mail.erasure.marking import mark_blocked, mark_old
from mail.erasure.stored import delete_erased, erase_owed

ROWS = 500
OBJECTS = 100


def run_erasures(stop: Callable[[], bool] = lambda: False, *, seconds: float = math.inf) -> int:
    """Mark mail that is too old or was blocked, and erase all marked mail that is due. Returns how many are erased.

    Ends after about `seconds`.
    """
    until = time.monotonic() + seconds
    erased = 0
    while not stop() and time.monotonic() < until:
        rows = mark_old(ROWS) + mark_blocked(ROWS) + delete_erased(ROWS)
        due, done = erase_owed(OBJECTS, stop)
        erased += done
        # If S3 refuses everything, the rest would fare no better.
        if not rows and (due < OBJECTS or not done):
            break
    return erased
