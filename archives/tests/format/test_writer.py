"""Other programs read what the writer writes."""

from __future__ import annotations

import hashlib
import io
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archives.format import records
from archives.format.records import Content, central_header, end_records
from archives.format.writer import PartWriter

AT = datetime(2026, 11, 27, 10, 30, 14, tzinfo=UTC)
NAMES = st.text("abcdefgh/._ü", min_size=1, max_size=12).filter(lambda name: not name.startswith("/"))


def archive(*parts: list[tuple[str, bytes]]) -> bytes:
    """An archive that was written in these parts, each by a writer that knows only where it begins."""
    directories: list[bytes] = []
    written, entries = b"", 0
    for number, part in enumerate(parts, 1):
        file = io.BytesIO()
        writer = PartWriter(file, len(written))
        for name, content in part:
            writer.add(name, AT, [content])
        if number == len(parts):
            writer.finish(directories, entries)
        directories.append(writer.directory)
        entries += writer.entries
        written += file.getvalue()
    return written


@given(st.lists(st.lists(st.tuples(NAMES, st.binary(max_size=200)), max_size=4), min_size=1, max_size=4))
def test_zipfile_reads_an_archive_in_parts(parts):
    expected = [entry for part in parts for entry in part]
    with zipfile.ZipFile(io.BytesIO(archive(*parts))) as found:
        assert [(info.filename, found.read(info)) for info in found.infolist()] == expected
        assert found.testzip() is None


def test_times_are_in_utc():
    file = io.BytesIO()
    writer = PartWriter(file, 0)
    writer.add("a", AT.astimezone(tz=None) + timedelta(0), [b"a"])
    writer.finish([], 0)
    assert zipfile.ZipFile(file).getinfo("a").date_time == (2026, 11, 27, 10, 30, 14)


def test_an_entry_is_described_with_size_and_hash_of_its_plain_bytes():
    written = PartWriter(io.BytesIO(), 0).add("a", AT, [b"a" * 1000, b"b"])
    assert (written.name, written.bytes) == ("a", 1001)
    assert written.sha256 == hashlib.sha256(b"a" * 1000 + b"b").hexdigest()


def test_the_same_entries_make_the_same_bytes():
    assert archive([("a", b"1")], [("b", b"2")]) == archive([("a", b"1")], [("b", b"2")])


def test_an_entry_that_cannot_be_read_leaves_nothing():
    def broken():
        yield b"begun"
        raise OSError

    file = io.BytesIO()
    writer = PartWriter(file, 0)
    writer.add("a", AT, [b"a"])
    with pytest.raises(OSError):
        writer.add("b", AT, broken())
    writer.add("c", AT, [b"c"])
    writer.finish([], 0)
    with zipfile.ZipFile(file) as found:
        assert found.namelist() == ["a", "c"]
        assert found.testzip() is None


def test_more_than_65535_entries_need_zip64():
    file = io.BytesIO()
    writer = PartWriter(file, 0)
    for number in range(65_536):
        writer.add(str(number), AT, [])
    writer.finish([], 0)
    with zipfile.ZipFile(file) as found:
        assert len(found.infolist()) == 65_536


class Far(io.RawIOBase):
    """A file with `held` from `offset` on, which is far behind 4 GB; before it is nothing."""

    def __init__(self, offset: int, held: bytes) -> None:
        self._offset, self._held, self._at = offset, held, 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, to: int, whence: int = 0) -> int:
        self._at = to + {0: 0, 1: self._at, 2: self._offset + len(self._held)}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, into) -> int:
        found = self._held[self._at - self._offset :][: len(into)]
        into[: len(found)] = found
        self._at += len(found)
        return len(found)


def test_a_part_behind_4_gb_is_found():
    offset = 5 * 1024**3
    file = io.BytesIO()
    writer = PartWriter(file, offset)
    writer.add("far.eml", AT, [b"far away"])
    writer.finish([], 0)
    with zipfile.ZipFile(io.BufferedReader(Far(offset, file.getvalue()))) as found:
        assert found.read("far.eml") == b"far away"


def test_an_entry_of_4_gb_is_refused():
    with pytest.raises(ValueError, match="4 GB"):
        Content(0, records.LIMIT_32, 1)


def test_the_records_have_the_documented_lengths():
    assert len(central_header("ab", AT, Content(0, 0, 0), 0)) == 46 + 2
    assert len(central_header("ab", AT, Content(0, 0, 0), 5 * 1024**3)) == 46 + 2 + 12
    assert len(end_records(entries=1, start=10, size=48)) == 22
    assert len(end_records(entries=1, start=5 * 1024**3, size=48)) == 56 + 20 + 22
