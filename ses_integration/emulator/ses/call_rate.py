"""SES's pace: one call a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class CallRate:
    """How many control calls an account and region may make.

    Amazon SES Developer Guide, "Service quotas": all API calls other than sending, one request a second. Whether the
    quota is shared by the operations or kept for each is not published; shared is the stricter reading. A call that
    was refused does not count. `now` is injectable, so that a test needs no real second.
    """

    def __init__(self, calls_per_second: float | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._configured = calls_per_second
        self._now = now
        self._lock = threading.Lock()
        self._last: dict[tuple[str, str], float] = {}
        self.calls_per_second = calls_per_second

    def accepts(self, account: str, region: str) -> bool:
        """Whether a call may pass now. One that may is counted."""
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
        """Change the pace; `None` and 0 switch it off."""
        with self._lock:
            self.calls_per_second = calls_per_second or None
            self._last.clear()

    def reset(self) -> None:
        """Back to the pace that the emulator was started with."""
        self.set(self._configured)


def is_limited(service: str, action: str) -> bool:
    """Whether SES's quota for control calls counts this one; sending has quotas of its own."""
    return service in ("ses", "sesv2") and not action.startswith("Send")
