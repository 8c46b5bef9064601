"""The header block of a forward."""

from __future__ import annotations

from email import message_from_bytes
from email.header import decode_header, make_header
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.forwarding.header import ABOUT, CONTENT
from mail.forwarding.texts import clean_name
from mail.tests.forwarding.composing.mails import BLOCK, composed, parts

pytestmark = pytest.mark.sqlite_only

MAIL = BLOCK + b"From: Jo <jo@example.net>\r\nTo: hello@example.com\r\nMessage-ID: <1@example.net>\r\n"


def shown(value: bytes) -> str:
    return str(make_header(decode_header(value.decode().replace("\r\n", ""))))


def field(name: str, raw: bytes, **changes: Any) -> str | None:
    fields, _ = parts(composed(raw, **changes))
    return shown(fields[name.lower()]) if name.lower() in fields else None


def test_a_forward_has_exactly_the_fields_that_are_written_for_it():
    fields, body = parts(composed(MAIL + b"Date: Fri, 27 Nov 2026 10:00:00 +0000\r\nSubject: Hi\r\n\r\nHello\r\n"))

    assert fields == {
        "from": b'"Jo via example.com" <hello@example.com>',
        "to": b"hello@example.com",
        "reply-to": b'"Jo" <jo@example.net>',
        "subject": b"Hi",
        "in-reply-to": b"<1@example.net>",
        "references": b"<1@example.net>",
        "mime-version": b"1.0",
        "x-original-from": b"Jo <jo@example.net>",
        "x-original-to": b"hello@example.com",
        "x-original-date": b"Fri, 27 Nov 2026 10:00:00 +0000",
        "x-original-message-id": b"<1@example.net>",
        "x-inbound-delivery": b"delivery-id",
        "x-inbound-trace": b"1784102400.q3Zt8w5K.0123456789012345678901",
    }
    assert body == b"Hello\r\n"


def test_no_field_passes_that_ses_would_obey_or_that_tells_of_others():
    names = [
        "X-SES-Configuration-Set", "X-SES-Message-Tags", "DKIM-Signature", "ARC-Seal", "Bcc", "Cc", "Sender", "Resent-To",
        "Disposition-Notification-To", "Feedback-ID", "Delivered-To", "Return-Path", "Content-Length",
    ]  # fmt: skip
    raw = MAIL + b"".join(f"{name}: x@example.org\r\n".encode() for name in names) + b"\r\nHello\r\n"

    assert not {name.lower() for name in names} & set(parts(composed(raw))[0])


def test_fields_of_the_mail_keep_how_they_were_folded():
    value = b'multipart/mixed;\r\n\tboundary="b"'
    raw = MAIL + b"Content-Type: " + value + b"\r\nSubject: =?utf-8?q?J=C3=B6?=\r\n =?utf-8?q?rg?=\r\n\r\n--b--\r\n"

    fields, _ = parts(composed(raw))

    assert fields["content-type"] == value
    assert fields["subject"] == b"=?utf-8?q?J=C3=B6?=\r\n =?utf-8?q?rg?="


@pytest.mark.parametrize("name", [*CONTENT, *ABOUT])
def test_the_last_of_a_repeated_field_counts_as_for_the_parser(name):
    raw = MAIL + f"{name}: first\r\n{name}: second\r\n\r\nHello\r\n".encode()

    assert field(name, raw) == "second"


@pytest.mark.parametrize(
    ("prefix", "subject", "expected"),
    [
        ("[news]", b"Hi", "[news] Hi"),
        ("[news]", b"=?utf-8?b?SsO2?=", "[news] Jö"),
        ("[böse]", b"Hi", "[böse] Hi"),
        ("[böse]", b"=?utf-8?b?SsO2?=", "[böse] Jö"),
        ("[news]", "Jö".encode(), "[news] Jö"),
        ("[news]", b"", "[news]"),
        ("=?utf-8?b?SsO2?=", b"Hi", "=?utf-8?b?SsO2?= Hi"),
        ("x\r\nBcc: a@example.org", b"Hi", "x Bcc: a@example.org Hi"),
    ],
)
def test_the_subject_begins_with_the_prefix(prefix, subject, expected):
    assert field("Subject", MAIL + b"Subject: " + subject + b"\r\n\r\nHello\r\n", subject_prefix=prefix) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Jo", '"Jo"'),
        ("Jörg", "Jörg"),
        ('Jo" <boss@example.org>', '"Jo boss example.org"'),
        ("Jo\r\nBcc: a@example.org", '"Jo Bcc a example.org"'),
        ("a\u202eb\u200b", '"a b"'),
        ("=?utf-8?b?SsO2?=", "=?utf-8?b?SsO2?="),
        ("", "hello@example.com"),
    ],
)
def test_a_display_name_can_neither_end_nor_look_like_an_address(name, expected):
    value = field("From", MAIL + b"\r\nHello\r\n", sender_name=name)

    assert value == (expected if expected.startswith("hello@") else f"{expected} <hello@example.com>")


def test_addresses_that_ses_would_refuse_are_left_out_of_reply_to():
    people = [
        ("", "not an address"),
        ("", "jo@localhost"),
        ("Jo", "jö@example.net"),
        ("", "jo..x@example.net"),
        ("", "x@example.net"),
    ]

    assert field("Reply-To", MAIL + b"\r\nHello\r\n", reply_to=people) == "x@example.net"
    assert field("Reply-To", MAIL + b"\r\nHello\r\n", reply_to=people[:4]) is None


def test_the_thread_goes_on_with_the_message_id_that_ses_replaces():
    raw = (
        MAIL + b"In-Reply-To: <0@example.net>\r\nReferences: <a@example.net> junk\r\n\t<0@example.net>\r\n\r\nHello\r\n"
    )

    assert field("References", raw) == "<a@example.net> <0@example.net> <1@example.net>"
    assert field("In-Reply-To", raw) == "<1@example.net>"


def test_a_long_thread_keeps_its_beginning_and_its_end():
    ids = b" ".join(b"<%d@example.net>" % number for number in range(50, 5_000))

    found = (field("References", MAIL + b"References: " + ids + b"\r\n\r\nHello\r\n") or "").split()

    assert (len(found), found[0], found[-2:]) == (20, "<50@example.net>", ["<4999@example.net>", "<1@example.net>"])


def test_text_without_content_fields_gets_those_that_it_needs():
    fields, _ = parts(composed(MAIL + "\r\nGrüße\r\n".encode()))

    assert (fields["content-type"], fields["content-transfer-encoding"]) == (b"text/plain; charset=utf-8", b"8bit")
    assert field("Content-Type", MAIL + "\r\nGrüße\r\n".encode("latin-1")) == "text/plain; charset=iso-8859-1"
    assert field("Content-Type", MAIL + b"\r\nHello\r\n") is None


VALUES = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")),
    st.sampled_from([b"x" * 3000, b"y " * 3000, b"a\r\n \r\n b", b"\r\n\r\n", b"=?utf-8?q?=0d=0aBcc:x?=", b"<" * 999]),
)
NAMES = st.sampled_from(
    [*CONTENT, *ABOUT, "Subject", "From", "To", "References", "Message-ID", "Bcc", "X-SES-Source", "x y", ""]
)
TEXTS = st.text(max_size=300)


@given(
    fields=st.lists(st.tuples(NAMES, VALUES), max_size=12),
    end=st.sampled_from([b"\r\n\r\n", b"\n\n", b"\n\r\n", b"\r\r", b"", b"\r\nno field\r\n"]),
    body=st.binary(max_size=300),
    name=TEXTS,
    prefix=TEXTS,
    people=st.lists(st.tuples(TEXTS, TEXTS | st.just("a@example.org")), max_size=3),
)
def test_whatever_a_mail_contains_the_block_is_valid(fields, end, body, name, prefix, people):
    raw = BLOCK + b"\r\n".join(field.encode() + b": " + value for field, value in fields) + end + body

    found, _ = parts(composed(raw, sender_name=name, subject_prefix=prefix, reply_to=people))

    assert found["to"] == b"hello@example.com"
    assert found["from"].endswith(b"hello@example.com") or found["from"].endswith(b"<hello@example.com>")
    assert "bcc" not in message_from_bytes(composed(raw, sender_name=name, subject_prefix=prefix))


@given(TEXTS)
def test_a_clean_name_is_stable(name):
    assert clean_name(clean_name(name)) == clean_name(name)
