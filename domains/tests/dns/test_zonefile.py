"""Fragments of zone files, read by dnspython."""

from __future__ import annotations

import dns.name
import dns.zone
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.dns.records import Record, RecordKind, records_for, stored_record
from domains.dns.rules import CheckedRecord, State
from domains.dns.zonefile import zone_fragment, zone_line

ORIGIN = dns.name.from_text("example.com")


def parsed(fragment: str) -> list[tuple[str, str, object]]:
    zone = dns.zone.from_text(fragment, check_origin=False, relativize=False)
    return [(str(name), rdata.rdtype.name, rdata) for name, _, rdata in zone.iterate_rdatas()]


def fragment_of(*checked: CheckedRecord) -> str:
    return zone_fragment("example.com", checked)


def text_record(text: str, name: str = "example.com") -> Record:
    return Record("TXT", name, text, "a description", RecordKind.SPF)


@given(st.text(max_size=2000))
def test_any_text_comes_back_from_strings_of_255_bytes(text):
    [(name, kind, rdata)] = parsed(fragment_of(CheckedRecord(text_record(text), State.MISSING)))
    assert (name, kind) == ("example.com.", "TXT")
    assert b"".join(rdata.strings) == text.encode()
    assert all(len(string) <= 255 for string in rdata.strings)


@given(why=st.text(), found=st.text())
def test_no_text_of_others_becomes_a_record(why, found):
    record = text_record("v=spf1 -all")
    for state in (State.VERIFIED, State.WRONG):
        assert parsed(fragment_of(CheckedRecord(record, state, (f"other {found}",), why))) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", '"plain"'),
        ('say "hi"; \\ ', '"say \\"hi\\"; \\\\ "'),
        ("ü", '"\\195\\188"'),
        ("a\nb", '"a\\010b"'),
        ("x" * 256, f'"{"x" * 255}" "x"'),
        ("", '""'),
    ],
    ids=ascii,
)
def test_texts_are_quoted_and_escaped(text, shown):
    assert zone_line(text_record(text), ORIGIN) == f"@ 3600 IN TXT {shown}"


def test_every_record_of_a_domain_is_read_back():
    records = records_for(
        "example.com", region="eu-west-1", token="token=", dkim_tokens=["one", "two"], mail_from="mail.example.com"
    )
    found = parsed(fragment_of(*(CheckedRecord(record, State.MISSING) for record in records)))
    assert {(name, kind) for name, kind, _ in found} == {(f"{record.name}.", record.type) for record in records}
    targets = {str(rdata).rpartition(" ")[2] for _, kind, rdata in found if kind != "TXT"}
    assert targets == {
        "inbound-smtp.eu-west-1.amazonaws.com.",
        "feedback-smtp.eu-west-1.amazonses.com.",
        "one.dkim.amazonses.com.",
        "two.dkim.amazonses.com.",
    }


def test_a_name_outside_the_domain_is_absolute():
    assert zone_line(text_record("a", "bounce.example.net"), ORIGIN) == 'bounce.example.net. 3600 IN TXT "a"'


def test_a_name_that_dns_does_not_allow_is_a_comment():
    name = f"{'a' * 60}." * 4 + "example.com"
    too_long = CheckedRecord(stored_record("example.com", "TXT", name, "a"), State.MISSING, why="It is too long.")
    fragment = fragment_of(too_long)
    assert parsed(fragment) == []
    assert "; It is too long.\n" in fragment


@pytest.mark.parametrize(
    ("type", "value", "found"),
    [("MX", "10 mx.example.net", "10 MX.example.net."), ("CNAME", "a.example.net", "A.example.net.")],
)
def test_a_record_that_is_published_in_another_spelling_may_be_imported_again(type, value, found):
    record = Record(type, "example.com", value, "a description", RecordKind.INBOUND)
    assert len(parsed(fragment_of(CheckedRecord(record, State.VERIFIED, (found,))))) == 1


def test_a_record_that_could_not_be_looked_up_is_a_comment_with_the_reason():
    unknown = CheckedRecord(text_record("a"), State.UNKNOWN, why="The DNS server answered SERVFAIL.")
    fragment = fragment_of(unknown)
    # Something may be published that it must not stand beside.
    assert len(parsed(fragment)) == 0
    assert "; The DNS server answered SERVFAIL.\n" in fragment
