"""Hostile mail is read within the limits, listed, and never an exception."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest

from mail.parsing import limits
from mail.parsing.parsed import ParsedMail, as_plain
from mail.parsing.pool import Parser
from mail.tests.parsing.hostile import HOSTILE, MIME, TOP, attached, base64_lines, formatting, html, part

pytestmark = pytest.mark.sqlite_only


def strings_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, content in value.items():
            yield name
            yield from strings_in(content)
    elif isinstance(value, list):
        for content in value:
            yield from strings_in(content)


def check(mail: ParsedMail) -> None:
    """What holds for every mail, whatever is in it."""
    plain = as_plain(mail)
    for text in strings_in(plain):
        assert "\0" not in text
        # Lone surrogates cannot be encoded.
        text.encode("utf-8")
    assert len(mail.preview) <= limits.PREVIEW
    assert len(mail.text or "") <= limits.TEXT
    assert len(mail.html or "") <= limits.SAFE_HTML
    assert len(mail.attachments) <= limits.ATTACHMENTS
    assert len(json.dumps(mail.headers)) <= 20 * limits.HEADERS


def read(parser: Parser, content: bytes) -> ParsedMail:
    mail = parser.parse(BytesIO(content))
    check(mail)
    return mail


def test_every_limit_names_what_it_cut(shared_parser: Parser):
    cases = {
        "addresses": TOP + b"To: " + b"a@b.c," * 600 + b"\r\n\r\n",
        "attachments": MIME + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"" + b"--b\r\nContent-Type: image/png\r\n\r\nx\r\n" * 501 + b"--b--",
        "depth": HOSTILE["3,000 nested multiparts"](),
        "headers": TOP + b"X-Field: x\r\n" * 501 + b"\r\n",
        "html": html(b"<p>" + b"x" * limits.HTML),
        "parts": MIME + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 1_001 + b"--b--",
        "text": TOP + b"\r\n" + b"x" * (limits.TEXT + 1),
    }

    cut = {name: read(shared_parser, content).truncated for name, content in cases.items()}

    assert {name: set(found) - {"text"} for name, found in cut.items()} | {"text": set(cut["text"])} == {
        name: {name} for name in cases
    }


def test_what_is_just_within_a_limit_is_not_cut(shared_parser: Parser):
    cases = [
        TOP + b"To: " + b"a@b.c," * 499 + b"a@b.c\r\n\r\n",
        TOP + b"X-Field: x\r\n" * 498 + b"\r\n",
        TOP + b"X-Field: " + b"x" * (limits.FIELD - 1) + b"\r\n\r\n",
        TOP + b"\r\n" + b"x" * limits.TEXT,
    ]

    assert [read(shared_parser, content).truncated for content in cases] == [[], [], [], []]


def test_a_long_field_is_cut_between_two_addresses(shared_parser: Parser):
    mail = read(shared_parser, TOP + b"To: " + b"somebody@example.com, " * 1_000 + b"\r\n\r\n")

    assert mail.truncated == ["headers"]
    assert {found["address"] for found in mail.addresses["to"]["addresses"]} == {"somebody@example.com"}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_is_read_and_listed(shared_parser: Parser, name: str):
    mail = read(shared_parser, HOSTILE[name]())

    assert mail.error is None
    assert (mail.subject or "").startswith("Listed")
    assert mail.addresses["from"]["addresses"] == [{"name": "Mallory", "address": "mallory@example.com"}]


def test_the_text_of_html_that_is_left_out_is_kept(shared_parser: Parser):
    mail = read(shared_parser, html(b"<div>" * 10_001 + b"Hello &amp; welcome"))

    assert (mail.html, mail.preview, mail.truncated) == (None, "Hello & welcome", ["html"])


def test_html_that_grows_when_it_is_sanitised_is_left_out_or_too_slow():
    """Open formatting elements are opened again in each paragraph: the result grows with the square."""
    with Parser(seconds=10, megabytes=512) as parser:
        mail = read(parser, html(formatting(3_000)))

    assert mail.subject == "Listed"
    assert mail.html is None


def test_a_mail_of_40_mb_is_read_and_extracted_in_little_memory():
    content = attached(base64_lines(limits.RAW - 1_000))
    with Parser(seconds=10, megabytes=160) as parser:
        mail = read(parser, content)
        written = BytesIO()
        extracted = parser.extract(BytesIO(content), 0, written)

    assert (mail.error, mail.truncated) == (None, [])
    assert mail.attachments == [extracted]
    assert mail.attachments[0].size == len(written.getvalue()) > 30_000_000
    assert set(written.getvalue()) == set(range(57))


def test_a_mail_above_40_mb_is_cut(shared_parser: Parser):
    mail = read(shared_parser, TOP + b"\r\nHello" + b"\r\n" * (limits.RAW // 2))

    assert mail.truncated == ["raw", "text"]
    assert mail.preview == "Hello"


def test_a_reader_that_needs_too_much_memory_lists_the_mail():
    with Parser(seconds=10, megabytes=48) as parser:
        mail = read(parser, attached(base64_lines(39_000_000)))
        after = read(parser, TOP + b"\r\nHello")

    assert mail.error == "It needed more than 48 MB of memory."
    assert (mail.subject, mail.text, mail.attachments) == ("Listed", None, [])
    assert (after.error, after.text) == (None, "Hello")


def test_an_attachment_may_be_declared_text_of_any_size(shared_parser: Parser):
    mail = read(shared_parser, part(b"base64", base64_lines(2_000_000), b"text/plain; charset=latin-1"))

    assert len(mail.text or "") == limits.TEXT
    assert mail.truncated == ["text"]
