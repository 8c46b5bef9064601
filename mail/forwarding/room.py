"""Room for the mails that a process sends: sending a large one takes several times its size."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

MEGABYTE = 1024 * 1024
# Raw bytes of all mails in hand. Each is there as bytes, in base64, and in JSON for a moment.
IN_HAND = 32 * MEGABYTE
# Mail up to this size is not counted: a thread has only one at a time.
SMALL = MEGABYTE // 4

_taken: dict[int, int] = {}
_lock = threading.Lock()


@contextmanager
def room(size: int) -> Iterator[bool]:
    """Whether there is room for a mail of this size. It is taken for the block; one thread at most asks once at a time."""
    thread = threading.get_ident()
    with _lock:
        # The largest ones go alone.
        fits = size <= SMALL or not _taken or sum(_taken.values()) + size <= IN_HAND
        if fits and size > SMALL:
            _taken[thread] = size
    try:
        yield fits
    finally:
        with _lock:
            _taken.pop(thread, None)
