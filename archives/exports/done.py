"""Which mails an archive has already, in eight bytes for each."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable


class Done:
    """Primary keys of messages."""

    def __init__(self) -> None:
        self._sorted = array("q")
        # Since the last `settle`: those of one part.
        self._new: set[int] = set()

    def __contains__(self, pk: int) -> bool:
        if pk in self._new:
            return True
        place = bisect_left(self._sorted, pk)
        return place < len(self._sorted) and self._sorted[place] == pk

    def add(self, pk: int) -> None:
        self._new.add(pk)

    def settle(self) -> None:
        """Keep what was added in less memory."""
        self._sorted = array("q", sorted([*self._sorted, *self._new]))
        self._new.clear()


def packed(pks: Iterable[int]) -> bytes:
    return array("q", pks).tobytes()


def unpacked(stored: bytes) -> array[int]:
    found = array("q")
    found.frombytes(stored)
    return found
