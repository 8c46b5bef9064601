"""What is in an entry: inflated piece by piece, never more than was declared, and compared with what the records say."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from archives.format.reading.entries import Entry, check_local_header
from archives.format.reading.refusal import damaged

READ, INFLATED = 64 * 1024, 256 * 1024


@dataclass
class Content:
    """The plain bytes of an entry, to be read once. At their end `sha256` is that of all of them.

    Raises Refused while it is read: before that, what has come may be anything. Reads the file at its own place, so that
    others may read it in between.
    """

    file: IO[bytes]
    entry: Entry
    sha256: str = field(default="", init=False)

    def __iter__(self) -> Iterator[bytes]:
        entry = self.entry
        check_local_header(self.file, entry)
        inflate, digest = zlib.decompressobj(wbits=-zlib.MAX_WBITS), hashlib.sha256()
        crc = size = 0
        for piece in self._inflated(inflate):
            crc, size = zlib.crc32(piece, crc), size + len(piece)
            if size > entry.size:
                raise damaged(entry.name, "has more than it declares")
            digest.update(piece)
            yield piece
        if not inflate.eof or inflate.unused_data or (crc, size) != (entry.crc, entry.size):
            raise damaged(entry.name, "is not as long as it declares, or not what was written")
        self.sha256 = digest.hexdigest()

    def _inflated(self, inflate: Any) -> Iterator[bytes]:
        at, end = self.entry.start, self.entry.end
        waiting = b""
        try:
            while not inflate.eof:
                if not waiting and at < end:
                    self.file.seek(at)
                    waiting = self.file.read(min(READ, end - at))
                    if not waiting:
                        raise damaged(self.entry.name, "is cut off")
                    at += len(waiting)
                # Without input it gives what it has taken in and not given yet.
                ended = not waiting
                piece = inflate.decompress(waiting, INFLATED)
                waiting = inflate.unconsumed_tail
                if piece:
                    yield piece
                elif ended:
                    return
        except zlib.error as error:
            raise damaged(self.entry.name, "cannot be unpacked") from error
        if waiting or at != end:
            raise damaged(self.entry.name, "has something behind its end")


def lines(content: Content, most: int) -> Iterator[bytes]:
    """The lines of an entry, without their ends. Raises Refused for a longer one than `most` bytes, and if the last has no end."""
    rest = b""
    for piece in content:
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
        if len(rest) > most:
            raise damaged(content.entry.name, "has a line that is too long")
    if rest:
        raise damaged(content.entry.name, "ends within a line")
