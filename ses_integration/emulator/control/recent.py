"""The last things of a kind, so that a long demo does not fill the memory."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """Keeps at most so many items and bytes, and forgets the oldest first. Thread-safe."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._items: deque[tuple[T, int]] = deque()
        self._bytes = 0
        self._lock = threading.Lock()
        # How many have been added since the last `clear`.
        self.added = 0

    def add(self, item: T, size: int) -> None:
        with self._lock:
            self._items.append((item, size))
            self._bytes += size
            self.added += 1
            while len(self._items) > self._most or (self._bytes > self._most_bytes and len(self._items) > 1):
                self._bytes -= self._items.popleft()[1]

    def items(self) -> list[T]:
        """What is kept, oldest first."""
        with self._lock:
            return [item for item, _ in self._items]

    def clear(self) -> None:
        with self._lock:
            self._items.clear()
            self._bytes = self.added = 0
