"""SES's rate limit: one call per second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class CallRate:
    """The rate limit per account and region. Thread-safe.

    Amazon SES Developer Guide, "Service quotas": one request per second for all API calls except sending. AWS does not
    say whether operations share the quota. The emulator takes the stricter reading: they do. Refused calls do not count.
    `now`: the clock, so that tests need not wait.
    """

    def __init__(self, calls_per_second: float | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._configured = calls_per_second
        self._now = now
        self._lock = threading.Lock()
        self._last: dict[tuple[str, str], float] = {}
        self.calls_per_second = calls_per_second

    def accepts(self, account: str, region: str) -> bool:
        """Whether a call is allowed now. If so, it is counted."""
        with self._lock:
            if not self.calls_per_second:
                return True
            now = self._now()
            last = self._last.get((account, region))
            if last is not None and now - last < 1 / self.calls_per_second:
                return False
            self._last[account, region] = now
            return True

    def set(self, calls_per_second: float | None) -> None:
        """Change the limit. `None` or 0 removes it."""
        with self._lock:
            self.calls_per_second = calls_per_second or None
            self._last.clear()

    def reset(self) -> None:
        """Restore the limit the emulator was started with."""
        self.set(self._configured)


def is_limited(service: str, action: str) -> bool:
    """Whether the rate limit applies. Sending has its own quotas."""
    return service in ("ses", "sesv2") and not action.startswith("Send")
