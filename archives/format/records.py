"""The records of a zip file around the contents of its entries (PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5).

An archive is written in parts by processes that may be killed, so what one of them knows of its entries has to be kept as
bytes. `zipfile` of the standard library holds an object for each entry until the end.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime

# Of sizes and offsets with 32 bits, and of counts with 16. From these on, a record refers to its zip64 part.
LIMIT_32, LIMIT_16 = 0xFFFFFFFF, 0xFFFF
DEFLATED = 8
# Names in UTF-8.
FLAGS = 0x800
NEEDED, NEEDED_ZIP64 = 20, 45
MADE_BY_UNIX = 3 << 8
# A file that its owner may write, and everybody may read.
ATTRIBUTES = 0o100644 << 16
EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Content:
    """What the records say of the contents of an entry: CRC-32 and size of the plain bytes, and the size in the archive."""

    crc: int
    size: int
    packed: int

    def __post_init__(self) -> None:
        if max(self.size, self.packed) >= LIMIT_32:
            raise ValueError("An entry of an archive must be smaller than 4 GB.")


def local_header(name: str, at: datetime, content: Content) -> bytes:
    """The record in front of an entry. Its length depends only on the name."""
    encoded = name.encode()
    time, date = _dos(at)
    fields = (NEEDED, FLAGS, DEFLATED, time, date, content.crc, content.packed, content.size, len(encoded), 0)
    return struct.pack("<4s5H3L2H", b"PK\x03\x04", *fields) + encoded


def central_header(name: str, at: datetime, content: Content, offset: int) -> bytes:
    """The record of an entry in the directory at the end. `offset`: of its local header in the archive."""
    encoded = name.encode()
    time, date = _dos(at)
    far = offset >= LIMIT_32
    extra = struct.pack("<2HQ", 1, 8, offset) if far else b""
    needed = NEEDED_ZIP64 if far else NEEDED
    record = struct.pack(
        "<4s6H3L5H2L",
        b"PK\x01\x02",
        MADE_BY_UNIX | needed,
        needed,
        FLAGS,
        DEFLATED,
        time,
        date,
        content.crc,
        content.packed,
        content.size,
        len(encoded),
        len(extra),
        0,
        0,
        0,
        ATTRIBUTES,
        LIMIT_32 if far else offset,
    )
    return record + encoded + extra


def end_records(*, entries: int, start: int, size: int) -> bytes:
    """What follows the directory, which begins at `start` and has this `size` and this many `entries`."""
    zip64 = b""
    if entries >= LIMIT_16 or start >= LIMIT_32 or size >= LIMIT_32:
        made = MADE_BY_UNIX | NEEDED_ZIP64
        zip64 = struct.pack(
            "<4sQ2H2L4Q", b"PK\x06\x06", 44, made, NEEDED_ZIP64, 0, 0, entries, entries, size, start
        ) + struct.pack("<4sLQL", b"PK\x06\x07", 0, start + size, 1)
    count = min(entries, LIMIT_16)
    end = (0, 0, count, count, min(size, LIMIT_32), min(start, LIMIT_32), 0)
    return zip64 + struct.pack("<4s4H2LH", b"PK\x05\x06", *end)


def _dos(at: datetime) -> tuple[int, int]:
    """Time and date of a zip file, in UTC."""
    utc = max(at.astimezone(UTC), EARLIEST)
    return (
        utc.hour << 11 | utc.minute << 5 | utc.second // 2,
        (min(utc.year, 2107) - 1980) << 9 | utc.month << 5 | utc.day,
    )
