"""How large an uploaded archive may be, and how many are taken at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from archives.format.reading.refusal import Limits
from backoffice.text import size
from mail.downloads.room import room
from mail.parsing.pool import Busy

BUSY = "Other archives are being imported at the moment. Try again in a minute."
MEGABYTE = 1024 * 1024
# Of one web process. Each takes a thread, as much disk as the archive has bytes, and a while to verify it.
AT_ONCE = 2
# An archive may unpack to so many times the bytes that an upload may have: verifying it keeps a thread of the web server.
UNPACKED = 10

_places = threading.BoundedSemaphore(AT_ONCE)


def most_bytes() -> int:
    return int(settings.IMPORT_MAX_MB) * MEGABYTE


def too_large() -> str:
    return (
        f"The file is too large: at most {size(most_bytes())} are imported by upload (IMPORT_MAX_MB). Ask whoever runs this "
        "installation to raise that, or to import it with import_domain."
    )


def limits() -> Limits:
    return Limits(unpacked=UNPACKED * most_bytes())


@contextmanager
def place() -> Iterator[None]:
    """A place for an import. Raises Busy if there is none."""
    if not _places.acquire(blocking=False):
        raise Busy
    try:
        with room():
            yield
    finally:
        _places.release()
