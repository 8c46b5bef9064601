"""The records of an archive's zip file. Only what `archives/format/records.py` writes is accepted, byte by byte.

So there is no entry that one program sees and another does not: no gap, no overlap, no comment, no second name, no other method,
no link, and nothing before or behind the archive.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from archives.format.names import DOMAIN, LISTS, MANIFEST, is_index, is_mail, mail_number
from archives.format.reading.refusal import (
    Limits,
    damaged,
    no_archive,
    packed_again,
    packed_too_tightly,
    too_large,
    too_many,
)
from archives.format.records import (
    ATTRIBUTES,
    DEFLATED,
    FLAGS,
    LIMIT_32,
    MADE_BY_UNIX,
    NEEDED,
    NEEDED_ZIP64,
    end_records,
)

_LOCAL, _CENTRAL, _END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q4sLQL")
_FAR = struct.Struct("<2HQ")
# Longer than any name in an archive.
NAME_BYTES = 64
BUFFER = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in the archive. `offset`: of its local header. `crc`, `size` and `packed` as the records say, so far unproven."""

    name: str
    offset: int
    crc: int
    size: int
    packed: int
    time: int
    date: int

    @property
    def start(self) -> int:
        """Where its packed bytes begin."""
        return self.offset + _LOCAL.size + len(self.name)

    @property
    def end(self) -> int:
        return self.start + self.packed


@dataclass(frozen=True, slots=True)
class Directory:
    """The directory at the end of an archive: how many entries it has, where it begins, and how long it is."""

    entries: int
    start: int
    size: int

    @classmethod
    def of(cls, file: IO[bytes], limits: Limits) -> Directory:
        """Find it. Raises Refused unless the file ends exactly as an archive does."""
        whole = file.seek(0, os.SEEK_END)
        found = _end(file, whole)
        expected = end_records(entries=found.entries, start=found.start, size=found.size)
        if (
            found.start + found.size + len(expected) != whole
            or _read(file, whole - len(expected), len(expected)) != expected
        ):
            raise no_archive()
        if found.entries > limits.entries:
            raise too_many("files", limits.entries)
        return found

    def each(self, file: IO[bytes]) -> Iterator[Entry]:
        """The entries in the order of the archive. Raises Refused if a record is not as it is written, or one lies elsewhere."""
        at, expected, buffer = self.start, 0, b""
        begin = at
        for _ in range(self.entries):
            if at - begin + _CENTRAL.size + NAME_BYTES + _FAR.size + 4 > len(buffer):
                begin, buffer = at, _read(file, at, min(BUFFER, self.start + self.size - at), whole=False)
            entry, length = entry_of(buffer[at - begin : at - begin + _CENTRAL.size + NAME_BYTES + _FAR.size])
            if entry.offset != expected or entry.end > self.start:
                raise packed_again(f"{entry.name} is not where it should be")
            at, expected = at + length, entry.end
            yield entry
        if at != self.start + self.size or expected != self.start:
            raise packed_again("it has bytes that belong to no file")


def check_local_header(file: IO[bytes], entry: Entry) -> None:
    """Raise Refused unless the record in front of the entry says the same as the directory."""
    fields = (NEEDED, FLAGS, DEFLATED, entry.time, entry.date, entry.crc, entry.packed, entry.size, len(entry.name), 0)
    expected = _LOCAL.pack(b"PK\x03\x04", *fields) + entry.name.encode()
    if _read(file, entry.offset, len(expected)) != expected:
        raise packed_again(f"the records of {entry.name} contradict each other")


def check_sizes(entries: Iterator[Entry], limits: Limits, packed: int) -> Iterator[Entry]:
    """The same entries. Raises Refused as soon as what they declare is more than is allowed."""
    unpacked = 0
    for entry in entries:
        most = limits.mail if is_mail(entry.name) else limits.list
        if entry.name in (DOMAIN, MANIFEST):
            most = limits.document
        if entry.size > most:
            raise too_large(entry.name, entry.size, most)
        unpacked += entry.size
        if unpacked > limits.unpacked:
            raise too_large("all of it", unpacked, limits.unpacked)
        if unpacked > limits.any_ratio and unpacked > packed * limits.ratio:
            raise packed_too_tightly(unpacked, packed)
        yield entry


def check_order(entries: Iterator[Entry]) -> Iterator[Entry]:
    """The same entries. Raises Refused unless they have the names of an archive, each once and in their order.

    A folder's number may be missing, and so may a mail's, if S3 did not have the mail.
    """
    fixed = iter([DOMAIN, *LISTS])
    last = ""
    for entry in entries:
        name = entry.name
        expected = next(fixed, None)
        if last == MANIFEST or (name != expected if expected else not _follows(name, last)):
            raise packed_again(f"{name} is not a file of an archive, or not in its place")
        last = name
        yield entry
    if last != MANIFEST:
        raise damaged(MANIFEST, "is missing")


def _follows(name: str, last: str) -> bool:
    """Whether `name` may come behind `last`, which is the last list or of a folder."""
    is_open = is_mail(last)
    if name == MANIFEST:
        return not is_open
    folder, before = name[:13], last[:13] if last.startswith("mails/") else "mails/000000/"
    if is_mail(name):
        return (folder == before and mail_number(name) > mail_number(last)) if is_open else folder > before
    # A folder of mails that S3 did not have has nothing but its index.
    return is_index(name) and (folder == before if is_open else folder > before)


def _end(file: IO[bytes], whole: int) -> Directory:
    if whole < _END.size:
        raise no_archive()
    signature, *_, entries, size, start, _ = _END.unpack(_read(file, whole - _END.size, _END.size))
    if signature != b"PK\x05\x06":
        raise no_archive()
    before = whole - _END.size - _END_64.size
    if before >= 0:
        far = _END_64.unpack(_read(file, before, _END_64.size))
        if far[0] == b"PK\x06\x06" and far[10] == b"PK\x06\x07":
            entries, size, start = far[7:10]
    return Directory(entries, start, size)


def entry_of(record: bytes) -> tuple[Entry, int]:
    """An entry from the directory, and the length of its record."""
    if len(record) < _CENTRAL.size:
        raise no_archive()
    (
        signature, made, needed, flags, method, time, date, crc, packed, size, length, extra, comment, disk, internal, external,
        offset,
    ) = _CENTRAL.unpack_from(record)  # fmt: skip
    far = offset == LIMIT_32
    expected = NEEDED_ZIP64 if far else NEEDED
    written = (b"PK\x01\x02", MADE_BY_UNIX | expected, expected, FLAGS, DEFLATED, 0, 0, 0, ATTRIBUTES)
    end = _CENTRAL.size + length + extra
    if (signature, made, needed, flags, method, comment, disk, internal, external) != written or length > NAME_BYTES:
        raise packed_again("its directory is not as inbound writes it")
    if extra != (_FAR.size if far else 0) or len(record) < end:
        raise packed_again("its directory is not as inbound writes it")
    if far:
        kind, of, offset = _FAR.unpack_from(record, end - _FAR.size)
        if (kind, of) != (1, 8) or offset < LIMIT_32:
            raise packed_again("its directory is not as inbound writes it")
    try:
        name = record[_CENTRAL.size : _CENTRAL.size + length].decode("ascii")
    except UnicodeDecodeError:
        raise packed_again("it has a file whose name is not in an archive") from None
    return Entry(name, offset, crc, size, packed, time, date), end


def _read(file: IO[bytes], at: int, count: int, *, whole: bool = True) -> bytes:
    file.seek(at)
    found = file.read(count)
    if whole and len(found) != count:
        raise no_archive()
    return found
