"""Archives with so many files, or so long, that their zip file needs zip64 records."""

from __future__ import annotations

import io

import pytest

from archives.format.names import DOMAIN, LISTS, MANIFEST, index_name, is_mail, mail_name
from archives.format.reading.archive import verify
from archives.format.reading.entries import Directory, Entry, check_order, entry_of
from archives.format.reading.refusal import Limits, Refused
from archives.format.records import Content, central_header, end_records
from archives.tests.format.reading.making import AT, Making

FAR = 5 * 1024**3


def entry(name: str) -> Entry:
    return Entry(name, 0, 0, 0, 0, 0, 0)


def test_more_than_65535_files_are_read():
    file = io.BytesIO(Making(folders=[[b""] * 33_000] * 2).bytes())
    archive = verify(file)
    assert archive.directory.entries == 66_009
    assert sum(1 for _ in archive.mails()) == 66_000


def test_a_folder_with_more_than_a_million_mails_is_in_its_order():
    """Of which S3 has lost most."""
    names = [mail_name(1, number) for number in (1, 999_999, 1_000_000, 1_000_001, 10_000_000)]
    assert names[1:3] == ["mails/000001/999999.eml", "mails/000001/1000000.eml"]
    archive = [DOMAIN, *LISTS, *names, index_name(1), MANIFEST]
    assert [entry.name for entry in check_order(map(entry, archive))] == archive
    swapped = [DOMAIN, *LISTS, names[2], names[1], index_name(1), MANIFEST]
    with pytest.raises(Refused, match=f"{names[1]} is not a file of an archive, or not in its place"):
        list(check_order(map(entry, swapped)))
    assert not is_mail("mails/000001/0000001.eml")


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
