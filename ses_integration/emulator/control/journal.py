"""The journal: every call to the emulated AWS, in order of arrival."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ses_integration.emulator.wire.calls import Call, readable

CAPACITY = 100_000

# The status of a call whose connection was closed without a response.
NO_ANSWER = 0


@dataclass
class Entry:
    """One call. It is listed only after `finish`, at the place where it began."""

    service: str
    action: str
    parameters: dict[str, Any]
    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    status: int | None = None
    applied: bool = False

    def finish(self, status: int, *, applied: bool) -> None:
        """`status`: of the response, or NO_ANSWER. `applied`: whether the call took effect."""
        self.applied = applied
        self.status = status

    def as_dict(self) -> dict[str, Any]:
        """The entry in the format of `GET /_journal`."""
        return {
            "service": self.service,
            "action": self.action,
            "status": self.status,
            "time": self.time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "applied": self.applied,
            "parameters": self.parameters,
        }


class Journal:
    """The last `capacity` calls, so that a long demo does not fill the memory. Thread-safe."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._entries: deque[Entry] = deque(maxlen=capacity)
        self._lock = threading.Lock()

    def begin(self, call: Call) -> Entry:
        entry = Entry(call.service, call.action, readable(call.parameters))
        with self._lock:
            self._entries.append(entry)
        return entry

    def entries(self) -> list[dict[str, Any]]:
        """All finished calls."""
        with self._lock:
            return [entry.as_dict() for entry in self._entries if entry.status is not None]

    def clear(self) -> None:
        """Remove all calls, running ones included: they leave no entry later."""
        with self._lock:
            self._entries.clear()
