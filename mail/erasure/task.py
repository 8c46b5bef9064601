"""The erasure of single mails, as a task of the mail worker."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from audit.actions import Action
from audit.record import Entry, record
from mail.erasure.marking import mark_blocked, mark_old
from mail.erasure.stored import delete_erased, erase_owed
from mail.models import Message

ROWS = 500
OBJECTS = 100


def run_erasures(stop: Callable[[], bool] = lambda: False, *, seconds: float = math.inf) -> int:
    """Mark mail that is too old or was blocked, and erase all marked mail that is due. Returns how many are erased.

    Ends after about `seconds`.
    """
    until = time.monotonic() + seconds
    erased = marked = 0
    while not stop() and time.monotonic() < until:
        old, blocked = mark_old(ROWS), mark_blocked(ROWS)
        marked += old + blocked
        rows = old + blocked + delete_erased(ROWS)
        due, done = erase_owed(OBJECTS, stop)
        erased += done
        # If S3 refuses everything, the rest would fare no better.
        if not rows and (due < OBJECTS or not done):
            break
    if marked:
        record(Entry(Action.ERASED, Message._meta.label_lower, "", "old and blocked mail", after={"mails": marked}))
    return erased
