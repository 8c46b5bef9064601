"""What a verified archive hands out, and that every other file is refused or the same."""

from __future__ import annotations

import io
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archives.format.names import LISTS
from archives.format.reading.archive import Archive, verify
from archives.format.reading.entries import Directory
from archives.format.reading.refusal import Limits, Refused
from archives.tests.format.reading.making import DOMAIN_VALUES, FOLDERS, ROWS, Making, mail_values

VALID = Making().bytes()


def everything(archive: Archive) -> Any:
    """All that an import may use."""
    rows = {name: list(archive.rows(name)) for name in LISTS}
    mails = [(values, None if content is None else b"".join(content)) for values, content in archive.mails()]
    return archive.manifest, archive.domain, rows, mails


EXPECTED = everything(verify(io.BytesIO(VALID)))


def refused_or_equal(raw: bytes) -> bool:
    """Whether it was refused. If not, it has to be the same."""
    try:
        archive = verify(io.BytesIO(raw))
    except Refused:
        return True
    assert everything(archive) == EXPECTED
    return False


def test_it_hands_out_what_was_written():
    manifest, domain, rows, mails = EXPECTED
    assert (manifest["domain"], domain, rows) == ({"id": "indm_1", "name": "example.com"}, DOMAIN_VALUES, ROWS)
    assert [content for _, content in mails] == [mail for folder in FOLDERS for mail in folder]
    assert mails[1] == (mail_values(None, None, None), None)


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


@given(
    st.lists(st.lists(st.none() | st.binary(max_size=300), min_size=1, max_size=4), max_size=3),
    texts,
    st.integers(1, 9),
)
def test_every_archive_that_is_written_is_read(folders, text, first):
    made = Making(folders=folders, first_folder=first)
    made.rows["endpoints.jsonl"][0]["name"] = made.domain["statusReason"] = text
    archive = verify(io.BytesIO(made.bytes()))
    _, domain, rows, mails = everything(archive)
    assert (domain, rows) == (made.domain, made.rows)
    assert [content for _, content in mails] == [mail for folder in folders for mail in folder]


def test_every_byte_that_is_changed_is_noticed():
    """Except for the last bits of the last byte of a deflated file, which mean nothing."""
    same = {at for at in range(len(VALID)) if not refused_or_equal(_with(VALID, at, VALID[at] ^ 0x80))}
    file = io.BytesIO(VALID)
    assert same <= {entry.end - 1 for entry in Directory.of(file, Limits()).each(file)}


@given(st.integers(0, len(VALID) - 1), st.integers(0, 255))
def test_any_byte_may_become_any_other(at, byte):
    refused_or_equal(_with(VALID, at, byte))


def test_a_file_that_is_cut_off_anywhere_is_refused():
    assert all(refused_or_equal(VALID[:end]) for end in range(len(VALID)))


cuts = st.integers(0, len(VALID))


@given(cuts, cuts, st.binary(max_size=80))
def test_any_part_may_be_replaced_by_anything(first, second, other):
    begin, end = sorted((first, second))
    raw = VALID[:begin] + other + VALID[end:]
    assert refused_or_equal(raw) or raw == VALID


@given(cuts, cuts, cuts)
def test_any_part_may_be_repeated_anywhere(first, second, at):
    begin, end = sorted((first, second))
    raw = VALID[:at] + VALID[begin:end] + VALID[at:]
    assert refused_or_equal(raw) or raw == VALID


@given(st.binary(max_size=500))
def test_anything_else_is_refused(raw):
    assert refused_or_equal(raw)
    assert refused_or_equal(raw + VALID[-22:])


def test_a_file_that_changes_after_it_was_verified_is_noticed():
    file = io.BytesIO(VALID)
    archive = verify(file)
    at = VALID.index(b"mails/000001/000001.eml") + 40
    file.getbuffer()[at] ^= 1
    with pytest.raises(Refused):
        everything(archive)


def test_memory_does_not_grow_with_the_mail():
    few, many = (Making(folders=[[b"mail" * 50] * 200] * folders).bytes() for folders in (1, 20))
    assert _peak(many) < 2 * _peak(few)


def test_a_large_mail_is_not_held():
    raw = Making(folders=[[b"0123456789abcdef" * 2**20]]).bytes()
    assert _peak(raw) < 4 * 2**20


def _peak(raw: bytes) -> int:
    file = io.BytesIO(raw)
    tracemalloc.start()
    try:
        for _, content in verify(file, Limits()).mails():
            for _ in content or ():
                pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _with(raw: bytes, at: int, byte: int) -> bytes:
    return raw[:at] + bytes([byte]) + raw[at + 1 :]
