"""Archives that somebody has made on purpose: each is refused with a sentence, before anything of it is used."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from dataclasses import replace
from typing import Any

import pytest

from archives.format import records
from archives.format.names import ADDRESSES, DOMAIN, ENDPOINTS, MANIFEST
from archives.format.reading.archive import verify
from archives.format.reading.refusal import Limits, Refused
from archives.tests.format.reading.making import AT, FOLDERS, ROWS, Making, zipped

PACKED_AGAIN = "This zip file was changed, or not written by inbound: "
DAMAGED = "The archive was changed or damaged: "
TOO_LARGE = "The archive is too large: "


def refusal(raw: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(Refused) as refused:
        verify(io.BytesIO(raw), limits)
    return str(refused.value)


def entries_of(raw: bytes) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(raw)) as found:
        return [(info.filename, found.read(info)) for info in found.infolist()]


def changed(**members: Any) -> bytes:
    return Making(change=lambda values: values.update(members)).bytes()


def test_what_is_no_zip_file():
    for raw in (b"", b"PK", b"Hello", b"\0" * 1000):
        assert refusal(raw) == "This is no archive of a domain, or its end is missing. Download or copy the file again."


def test_another_zip_file():
    assert refusal(zipped([("readme.txt", b"Hello")])) == (
        "This is no archive of a domain: its manifest says that it is something else."
    )


def test_an_archive_that_was_packed_again():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, raw in entries_of(Making().bytes()):
            packed.writestr(name, raw)
    assert refusal(file.getvalue()).startswith(PACKED_AGAIN)


def test_anything_before_or_behind_it():
    raw = Making().bytes()
    for other in (b"MZ" + raw, raw + b"\0", raw + raw, raw[:-2] + struct.pack("<H", 5) + b"Hello"):
        assert refusal(other).startswith(("This is no archive", PACKED_AGAIN))


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd", "/etc/passwd", "mails/../../x.eml", "mails/000002/../000001.eml", "C:\\x.eml", "mails/000001/",
        "mails/000001/000001.eml\0.txt", "mails/000001/000001.EML", "mails/1/1.eml", "domain.json/x", "x" * 65, "ä.eml",
    ],
)  # fmt: skip
def test_a_name_that_no_archive_has(name):
    entries = entries_of(Making().bytes())
    for at in (0, 6, len(entries) - 1):
        assert refusal(zipped([*entries[:at], (name, b"x"), *entries[at:]])).startswith(PACKED_AGAIN)


def test_a_name_twice_a_file_too_many_or_one_in_another_place():
    entries = entries_of(Making().bytes())
    for at, entry in enumerate(entries[:-1]):
        assert refusal(zipped([*entries[: at + 1], entry, *entries[at + 1 :]])).startswith((PACKED_AGAIN, DAMAGED))
        assert refusal(zipped([*entries[:at], *entries[at + 1 :]])).startswith((PACKED_AGAIN, DAMAGED))
        moved = [*entries[:at], *entries[at + 1 : -1], entry, entries[-1]]
        assert moved == entries or refusal(zipped(moved)).startswith((PACKED_AGAIN, DAMAGED))
    extra = [*entries[:-1], ("mails/000003/index.jsonl", b""), entries[-1]]
    assert refusal(zipped(extra)) == (
        f"{DAMAGED}manifest.json does not have mails/000003/index.jsonl as it is. "
        "Export the domain again, or copy the file again."
    )
    assert refusal(zipped([*entries, ("mails/000003/000001.eml", b"")])).startswith(
        "This is no archive of a domain: its"
    )


def test_two_records_that_contradict_each_other():
    """One program would show one name, and another one the other."""
    raw = Making().bytes()
    local = raw.index(b"addresses.jsonl")
    other = raw[:local] + b"addresses.jsonX" + raw[local + 15 :]
    assert refusal(other) == (
        f"{PACKED_AGAIN}the records of addresses.jsonl contradict each other. "
        "Give the file as it was exported, not packed again."
    )


@pytest.mark.parametrize(
    ("offset", "value"),
    [(4, 20), (8, 0x801), (10, 0), (34, 1), (38, 0o120777 << 16), (32, 3)],
    ids=["made elsewhere", "encrypted", "stored", "on another disk", "a link", "with a comment"],
)
def test_a_record_that_no_export_writes(offset, value):
    raw = bytearray(Making().bytes())
    at = raw.index(b"PK\x01\x02") + offset
    length = 4 if offset == 38 else 2
    raw[at : at + length] = value.to_bytes(length, "little")
    assert refusal(bytes(raw)).startswith(PACKED_AGAIN)


# Bombs


def test_more_than_is_allowed_is_refused_before_it_is_unpacked():
    """Else the first file would be noticed, which cannot be unpacked."""
    raw = Making(folders=[[b"x" * 1000] * 3]).bytes()
    at = raw.index(DOMAIN.encode()) + len(DOMAIN)
    broken = raw[:at] + b"\xff" * 8 + raw[at + 8 :]
    assert refusal(broken).startswith(f"{DAMAGED}domain.json cannot be unpacked.")
    for limits, what in (
        (Limits(mail=999), "mails/000001/000001.eml"),
        (Limits(unpacked=2000), "all of it"),
        (Limits(list=300), "mails/000001/index.jsonl"),
    ):
        assert refusal(broken, limits).startswith(f"{TOO_LARGE}{what} would take ")
    assert refusal(broken, Limits(document=100)).startswith(f"{TOO_LARGE}{MANIFEST} would take ")
    assert refusal(broken, Limits(entries=8)) == f"{TOO_LARGE}it has more than 8 files."
    assert refusal(broken, Limits(files=6)) == f"{TOO_LARGE}it has more than 6 files."
    assert refusal(raw, Limits(folder_mails=2)) == f"{TOO_LARGE}it has more than 2 mails in one folder."
    assert verify(io.BytesIO(raw), Limits(mail=1000, folder_mails=3))


def test_a_bomb_is_told_by_how_far_it_would_grow():
    raw = Making(folders=[[b"\0" * 2**20]]).bytes()
    assert verify(io.BytesIO(raw), Limits(any_ratio=2**21))
    assert refusal(raw, Limits(any_ratio=2**19)) == (
        "The archive would grow from 3.2 KB to 1.0 MB, which no mail does. It is taken for an attack."
    )


def test_a_file_that_is_larger_than_it_declares_is_not_unpacked_further():
    """Both records say 10 bytes, and there are a gigabyte."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = b"".join(packer.compress(b"\0" * 2**20) for _ in range(1024)) + packer.flush()
    content = records.Content(0, 10, len(packed))
    begin = records.local_header(MANIFEST, AT, content) + packed
    directory = records.central_header(MANIFEST, AT, content, 0)
    raw = begin + directory + records.end_records(entries=1, start=len(begin), size=len(directory))
    assert refusal(raw).startswith(f"{DAMAGED}manifest.json has more than it declares.")


# Manifest


def test_another_format_or_version():
    assert (
        refusal(changed(format="other"))
        == "This is no archive of a domain: its manifest says that it is something else."
    )
    for version in (0, 2):
        assert refusal(changed(version=version)) == (
            f"The archive has the format's version {version}, and this inbound reads version 1. "
            "Use the version of inbound that has written it, or a later one."
        )
    for version in ("1", None, True, 1.0):
        assert refusal(changed(version=version)).startswith(f"{DAMAGED}manifest.json has no version")


def test_a_newer_version_is_told_by_its_number_whatever_files_it_has():
    values = json.dumps({"format": "inbound-domain-archive", "version": 2}).encode()
    assert "version 2" in refusal(zipped([("settings.json", b"{}"), (MANIFEST, values)]))


@pytest.mark.parametrize(
    "member", ["createdAt", "inboundVersion", "domain", "endpointSettings", "secrets", "counts", "files"]
)
def test_a_manifest_without_one_of_its_members(member):
    expected = f"{DAMAGED}manifest.json has no {member} that can be read."
    assert refusal(Making(change=lambda values: values.pop(member)).bytes()).startswith(expected)
    assert refusal(changed(**{member: []} if member != "files" else {member: {}})).startswith(expected)


def test_a_hash_or_a_size_that_is_not_that_of_the_file():
    def change(member: str, value: Any) -> bytes:
        return Making(change=lambda values: values["files"][2].update({member: value})).bytes()

    assert refusal(change("sha256", "0" * 64)).startswith(f"{DAMAGED}addresses.jsonl is not what the manifest says.")
    for member, value in (("bytes", 1), ("name", "blocked-emails.jsonl")):
        assert refusal(change(member, value)).startswith(
            f"{DAMAGED}manifest.json does not have addresses.jsonl as it is."
        )
    more = Making(change=lambda values: values["files"].append(values["files"][0]))
    assert refusal(more.bytes()).startswith(f"{DAMAGED}manifest.json has a file that is missing.")


@pytest.mark.parametrize("name", ["endpoints", "addresses", "dnsRecords", "mails", "emails", "mailBytes", "missing"])
def test_a_count_that_is_not_that_of_what_is_there(name):
    making = Making(change=lambda values: values["counts"].update({name: 77}))
    assert refusal(making.bytes()).startswith(f"{DAMAGED}manifest.json does not count what is in the archive.")


def test_the_number_of_erased_mails_and_unknown_members_are_not_compared():
    def change(values: dict[str, Any]) -> None:
        values["counts"] |= {"erased": 7, "later": 8}
        values["later"] = {}

    assert verify(io.BytesIO(Making(change=change).bytes())).manifest["later"] == {}


# Files


def test_a_domain_or_an_address_of_another_name():
    renamed = Making(change=lambda values: values["domain"].update(name="example.org"))
    assert refusal(renamed.bytes()).startswith(f"{DAMAGED}domain.json is of another domain than the manifest.")
    rows = [row | {"address": "hello@example.org"} for row in ROWS[ADDRESSES]]
    made = Making(rows=ROWS | {ADDRESSES: rows})
    assert refusal(made.bytes()).startswith(f"{DAMAGED}addresses.jsonl has an address of another domain.")


@pytest.mark.parametrize("name", [*ROWS, DOMAIN])
def test_every_member_has_to_be_there_and_of_its_kind(name):
    values = Making().domain if name == DOMAIN else ROWS[name][0]
    for member, value in values.items():
        if name == DOMAIN and member in ("id", "name"):
            # The manifest has them, too, and is read first.
            continue
        # Nothing is an object or a list here, except the configuration of an endpoint.
        for wrong in ({k: v for k, v in values.items() if k != member}, values | {member: 7}, values | {member: []}):
            made = Making(domain=wrong) if name == DOMAIN else Making(rows=ROWS | {name: [wrong]})
            assert refusal(made.bytes()).startswith(f"{DAMAGED}{name} has no {member} that can be read."), value


def test_endpoints_have_settings_exactly_if_the_manifest_says_so():
    bare = [{name: row[name] for name in ("id", "name", "type")} for row in ROWS[ENDPOINTS]]
    made = Making(rows=ROWS | {ENDPOINTS: bare})
    assert refusal(made.bytes()).startswith(f"{DAMAGED}endpoints.jsonl has no config that can be read.")
    assert verify(io.BytesIO(replace(made, change=lambda values: values.update(endpointSettings=False)).bytes()))


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":2}', b"[]", b"null", b"7", b'"text"', b"{", b"", b"{} {}", b'{"a":NaN}', b'{"a":-Infinity}', b"\xff",
        b'{"a":"\\u0000"}', b'{"a":"\\ud800"}', b"[" * 100_000, b'{"a":' * 100_000, b'{"a":' + b"9" * 5000 + b"}",
        b"\xef\xbb\xbf{}",
    ],
)  # fmt: skip
def test_a_line_that_inbound_does_not_write(raw):
    made = Making(file=lambda name, whole: raw + b"\n" if name == ADDRESSES else whole)
    assert refusal(made.bytes()).startswith(f"{DAMAGED}addresses.jsonl has ")


def test_a_line_that_is_too_long_or_has_no_end():
    long = Making(file=lambda name, whole: b" " * 600_000 if name == ADDRESSES else whole).bytes()
    assert refusal(long, Limits(line=200_000)).startswith(f"{DAMAGED}addresses.jsonl has a line that is too long.")
    cut = Making(file=lambda name, whole: whole[:-1] if name == ADDRESSES else whole).bytes()
    assert refusal(cut).startswith(f"{DAMAGED}addresses.jsonl ends within a line.")


# Mails


@pytest.mark.parametrize(
    "change",
    [
        {"file": "mails/000001/000009.eml"}, {"file": "mails/000002/000001.eml"}, {"file": "../x"}, {"file": DOMAIN},
        {"bytes": 1}, {"sha256": "0" * 64}, {"file": None, "bytes": None, "sha256": None}, {"file": None},
    ],
)  # fmt: skip
def test_an_index_that_does_not_fit_its_mails(change):
    def mail(values: dict[str, Any]) -> dict[str, Any]:
        return values | change if values["file"] == "mails/000001/000001.eml" else values

    assert refusal(Making(mail=mail).bytes()).startswith(f"{DAMAGED}mails/000001/index.jsonl ")


def test_mails_in_another_order_than_their_index():
    made = Making(
        file=lambda name, raw: b"".join(reversed(raw.splitlines(keepends=True))) if name.startswith("mails/") else raw,
        folders=[[b"1", b"2"]],
    )
    assert refusal(made.bytes()).startswith(
        f"{DAMAGED}mails/000001/index.jsonl and the mail of line 1 do not belong together."
    )


def test_a_mail_that_was_exchanged_for_another_with_matching_records():
    entries = [(name, b"Other" if name.endswith("2/000001.eml") else raw) for name, raw in entries_of(Making().bytes())]
    assert len(FOLDERS) == 2
    assert refusal(zipped(entries)).startswith(f"{DAMAGED}mails/000002/index.jsonl and the mail of line 1 do not")
