"""What the emulated AWS was asked, in order of arrival."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ses_integration.emulator.wire.calls import Call, readable

KEPT = 100_000

# The status of a call whose connection was closed without an answer.
NO_ANSWER = 0


@dataclass
class Entry:
    """One call. Until it is finished it keeps its place but is not shown."""

    service: str
    action: str
    parameters: dict[str, Any]
    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    status: int | None = None
    applied: bool = False

    def finish(self, status: int, *, applied: bool) -> None:
        """`status` is what the client was answered; `applied`, whether the call took effect."""
        self.applied = applied
        self.status = status

    def as_dict(self) -> dict[str, Any]:
        """The entry as `GET /_journal` shows it."""
        return {
            "service": self.service,
            "action": self.action,
            "status": self.status,
            "time": self.time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "applied": self.applied,
            "parameters": self.parameters,
        }


class Journal:
    """The last calls; older ones fall off, so that a long demo does not fill the memory."""

    def __init__(self, kept: int = KEPT) -> None:
        self._entries: deque[Entry] = deque(maxlen=kept)
        self._lock = threading.Lock()

    def begin(self, call: Call) -> Entry:
        """Take the call's place in the order of arrival."""
        entry = Entry(call.service, call.action, readable(call.parameters))
        with self._lock:
            self._entries.append(entry)
        return entry

    def entries(self) -> list[dict[str, Any]]:
        """Every finished call."""
        with self._lock:
            return [entry.as_dict() for entry in self._entries if entry.status is not None]

    def clear(self) -> None:
        """Forget them; a call that is still under way leaves no entry either."""
        with self._lock:
            self._entries.clear()
