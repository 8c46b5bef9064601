"""The body of a forward: the bytes of the received one, unless SES would not take them."""

from __future__ import annotations

import base64
from email import message_from_bytes
from email.message import Message
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.forwarding.mails import read_original
from mail.parsing.lines import LONGEST, long_lines
from mail.parsing.pool import Parser
from mail.tests.corpora import cpython_mails
from mail.tests.forwarding.composing.mails import BLOCK, body_hash, composed, parts
from mail.tests.inbox import mail_with
from mail.tests.parsing.hostile import HOSTILE

pytestmark = pytest.mark.sqlite_only

LONG = b"x" * (LONGEST + 1)
LINES = st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\r", b"").replace(b"\n", b"")), max_size=8)

PIECES = [
    b"--b", b"--b--", b"--c", b"\r\n", LONG, b"word " * 300, b"x", b"Content-Type: ", b"text/plain", b"message/rfc822",
    b"multipart/mixed; boundary=c", b"Content-Transfer-Encoding: base64",
]  # fmt: skip


def texts_of(mail: bytes) -> list[bytes]:
    found: list[Message] = [part for part in message_from_bytes(mail).walk() if not part.is_multipart()]
    return [part.get_payload(decode=True) for part in found]  # type: ignore[misc]


@given(LINES)
def test_a_body_with_lines_as_smtp_has_them_keeps_every_byte(lines):
    body = b"\r\n".join(lines)

    assert parts(composed(BLOCK + b"From: jo@example.net\r\n\r\n" + body))[1] == body


@given(st.binary(max_size=200))
def test_any_body_is_forwarded_in_lines_that_end_with_crlf(body):
    _, found = parts(composed(BLOCK + b"From: jo@example.net\r\n\r\n" + body))

    assert found.replace(b"\r\n", b"\n") == body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert found.count(b"\r\n") == found.count(b"\n") == found.count(b"\r")


@pytest.mark.parametrize("path", cpython_mails(), ids=lambda path: path.name)
def test_a_signature_of_the_body_still_fits(path):
    raw = BLOCK + path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    original = read_original(raw)
    if next(long_lines(raw), None):
        return
    received = b"From: jo@example.net\r\n\r\n" + bytes(original.raw[original.body :])

    assert body_hash(composed(raw)) == body_hash(received)


def test_a_signature_of_a_mail_with_attachments_still_fits():
    raw = mail_with(("a.pdf", "application/pdf", bytes(range(256)) * 400), (None, "image/png", b"png"), text="Grüße")

    assert body_hash(composed(BLOCK + raw)) == body_hash(raw)


def test_only_the_part_with_a_line_that_is_too_long_is_encoded_anew():
    plain = (
        b"Content-Type: text/plain\r\nX-Kept: yes\r\nContent-Transfer-Encoding:\r\n 7bit\r\n\r\nshort\r\n"
        + LONG
        + b"\r\n"
    )
    image = b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n"
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + plain + b"--b\r\n" + image + b"--b--\r\n"

    mail = composed(BLOCK + raw)

    _, body = parts(mail)
    assert body.endswith(b"--b\r\n" + image + b"--b--\r\n")
    assert body.startswith(
        b"--b\r\nContent-Type: text/plain\r\nX-Kept: yes\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    assert texts_of(mail)[0] == b"short\r\n" + LONG
    assert not list(long_lines(mail))


@pytest.mark.parametrize(
    ("encoding", "sent", "expected"),
    [
        (b"", LONG + b"\r\n", LONG + b"\r\n"),
        (b"8bit", b"\xc3\xbc" * 600, b"\xc3\xbc" * 600),
        (b"base64", base64.b64encode(LONG), LONG),
        (b"quoted-printable", b"=3D" * 400, b"=" * 400),
    ],
)
def test_a_mail_of_one_part_is_encoded_anew(encoding, sent, expected):
    field = b"Content-Transfer-Encoding: " + encoding + b"\r\n" if encoding else b""

    mail = composed(BLOCK + b"Content-Type: text/plain; charset=utf-8\r\n" + field + b"\r\n" + sent)

    assert parts(mail)[0]["content-transfer-encoding"] == b"base64"
    assert texts_of(mail) == [expected]


def test_a_message_in_a_mail_stays_a_message():
    inner = b"Subject: inner\r\nX-Long: " + b"word " * 400 + b"\r\n\r\n" + LONG + b"\r\n"
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
        + inner
        + b"--b--\r\n"
    )

    mail = composed(BLOCK + raw)

    assert not list(long_lines(mail))
    (attached,) = message_from_bytes(mail).get_payload()
    (message,) = attached.get_payload()
    assert message["Subject"] == "inner"
    assert len(message["X-Long"].split()) == 400
    assert message.get_payload(decode=True).strip() == LONG


def test_without_attachments_the_text_says_which_are_missing():
    raw = mail_with(("böse.pdf", "application/pdf", b"pdf"), (None, "image/png", b"png"), text="Hello\r\nthere")

    mail = composed(BLOCK + raw, with_attachments=False)

    assert texts_of(mail) == [
        b"Hello\r\nthere\r\n",
        "[Attachment removed: böse.pdf (application/pdf)]\r\n".encode(),
        b"[Attachment removed: without a name (image/png)]\r\n",
    ]
    assert {part.get_content_type() for part in message_from_bytes(mail).walk()} == {"multipart/mixed", "text/plain"}


def test_a_mail_that_is_an_attachment_becomes_text():
    raw = b"Content-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment\r\n\r\npdf\r\n"

    fields, body = parts(composed(BLOCK + raw, with_attachments=False))

    assert fields["content-type"] == b"text/plain; charset=utf-8"
    assert "content-disposition" not in fields
    assert base64.b64decode(body) == b"[Attachment removed: a.pdf (application/pdf)]\r\n"


@pytest.mark.parametrize(
    "raw", [b"", b"\r\n", b"\r\n\r\nno header", b"no field\r\nat all\r\n", b"Subject: Hi", b"Subject: Hi\r\nText"]
)
def test_a_mail_without_header_or_body_is_forwarded(raw):
    parts(composed(BLOCK + raw))


def test_what_follows_a_header_that_nothing_ends_is_the_body():
    assert parts(composed(BLOCK + b"Subject: Hi\r\nHello there\r\nBcc: x\r\n"))[1] == b"Hello there\r\nBcc: x\r\n"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_is_refitted_in_time(name, shared_parser: Parser):
    into = BytesIO()
    raw = HOSTILE[name]()

    for without in (False, True):
        shared_parser.refit(BytesIO(raw), into, without_attachments=without)

    assert not list(long_lines(into.getvalue()))


@given(st.lists(st.sampled_from(PIECES), max_size=20), st.booleans())
def test_no_line_stays_too_long_in_any_structure(pieces, with_attachments):
    raw = BLOCK + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + b"".join(pieces)

    mail = composed(raw, with_attachments=with_attachments)

    parts(mail)
    assert not list(long_lines(mail))
