"""One deadline for all SES work of a request, even if it changes many domains."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ses_integration.conf import ses_config

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def shared_deadline(seconds: float | None = None) -> Iterator[float]:
    """Set a deadline for everything inside, in `seconds` (default: SES_REQUEST_BUDGET). An outer deadline wins.

    Yields the deadline in effect, a value of `time.monotonic()`.
    """
    outer = _deadline.get()
    if outer is not None:
        yield outer
        return
    deadline = time.monotonic() + (ses_config().request_budget if seconds is None else seconds)
    token = _deadline.set(deadline)
    try:
        yield deadline
    finally:
        _deadline.reset(token)
