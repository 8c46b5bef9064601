"""Archives with so many files, or so long, that their zip file needs zip64 records."""

from __future__ import annotations

import io

from archives.format.reading.archive import verify
from archives.format.reading.entries import Directory, Entry, entry_of
from archives.format.reading.refusal import Limits
from archives.format.records import Content, central_header, end_records
from archives.tests.format.reading.making import AT, Making

FAR = 5 * 1024**3


def test_more_than_65535_files_are_read():
    file = io.BytesIO(Making(folders=[[b""] * 33_000] * 2).bytes())
    archive = verify(file)
    assert archive.directory.entries == 66_009
    assert sum(1 for _ in archive.mails()) == 66_000


def test_an_entry_behind_4_gb_is_where_its_record_says():
    content = Content(1, 2, 3)
    for offset in (0, 0xFFFFFFFE, 0xFFFFFFFF, FAR):
        record = central_header("domain.json", AT, content, offset)
        entry, length = entry_of(record + b"PK")
        assert length == len(record)
        assert entry == Entry("domain.json", offset, 1, 2, 3, entry.time, entry.date)


def test_a_directory_behind_4_gb_is_found(tmp_path):
    """The file has a hole of 5 GB, which takes no room on the disk."""
    raw = Making().bytes()
    found = Directory.of(io.BytesIO(raw), Limits())
    directory = raw[found.start : found.start + found.size]
    with (tmp_path / "far.zip").open("w+b") as file:
        file.seek(FAR)
        file.write(directory)
        file.write(end_records(entries=found.entries, start=FAR, size=found.size))
        assert Directory.of(file, Limits()) == Directory(found.entries, FAR, found.size)
