"""How many requests of a web process may take as long as others do: never as many as it has threads.

A download keeps its thread, and a connection or a temporary file, for as long as its client takes; the test of an endpoint, for as
long as the receiver takes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from django.conf import settings

from mail.parsing.pool import Busy


@cache
def _places() -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 2))


@contextmanager
def room() -> Iterator[None]:
    """A place for one of them. Raises Busy at once if there is none: a request that waited would occupy a thread as well."""
    places = _places()
    if not places.acquire(blocking=False):
        raise Busy
    try:
        yield
    finally:
        places.release()
