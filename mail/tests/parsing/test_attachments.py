"""Attachments: what is one, what it is called, and its bytes."""

from __future__ import annotations

import random
from base64 import b64encode
from binascii import b2a_uu
from io import BytesIO

import pytest

from mail.parsing import limits
from mail.parsing.parsed import ParsedAttachment
from mail.parsing.pool import Parser
from mail.parsing.reading.mail import read_mail
from mail.parsing.reading.transfer import decoded
from mail.tests.parsing.test_bodies import multipart, part

pytestmark = pytest.mark.sqlite_only


def attachments(*parts: bytes) -> list[ParsedAttachment]:
    return read_mail(b"Subject: x\r\n" + multipart("mixed", *parts)).attachments


def filename(**fields: str) -> str | None:
    content_type = fields.pop("Content_Type", "application/pdf")
    (found,) = attachments(part("x", content_type, **fields))
    return found.filename


def test_an_attachment_is_described():
    assert attachments(
        part("Hello"),
        part(
            "SGVsbG8=",
            "Application/PDF; name=other.pdf",
            Content_Disposition="Attachment; filename=a.pdf",
            Content_ID="<a@x>",
            Content_Transfer_Encoding="base64",
        ),
        part("x", "bogus"),
        part("y", "image/png", Content_Disposition="inline"),
    ) == [
        ParsedAttachment(0, "a.pdf", "application/pdf", 5, "<a@x>", "attachment"),
        ParsedAttachment(1, None, "image/png", 1, None, "inline"),
    ]


@pytest.mark.parametrize(
    "attached",
    [
        part("x", "text/plain", Content_Disposition="attachment"),
        part("x", "text/plain", Content_Disposition="inline; filename=a.txt"),
        part("x", "text/html; name=a.html"),
        part("x", "text/calendar"),
        part("x", "text/csv"),
        part("x", "application/octet-stream"),
        part("x", "text/plain", Content_Disposition="form-data"),
    ],
)
def test_what_is_not_the_text_of_the_mail_is_an_attachment(attached: bytes):
    mail = read_mail(multipart("mixed", part("Hello"), attached))

    assert (mail.text, mail.html, len(mail.attachments)) == ("Hello", None, 1)


def test_a_mail_that_is_one_file_is_an_attachment():
    mail = read_mail(part("%PDF", "application/pdf; name=a.pdf"))

    assert (mail.text, [found.filename for found in mail.attachments]) == (None, ["a.pdf"])


def test_a_forwarded_mail_is_an_attachment_without_a_filename():
    inner = b"Subject: inner\r\nContent-Type: text/html\r\n\r\n<p>x</p>"
    mail = read_mail(multipart("mixed", part("Hello"), part(inner, "message/rfc822")))

    assert (mail.text, mail.html) == ("Hello", None)
    assert mail.attachments == [ParsedAttachment(0, None, "message/rfc822", len(inner), None, None)]


def test_parts_of_a_digest_are_mails():
    assert [found.content_type for found in read_mail(multipart("digest", b"\r\nSubject: x\r\n\r\ny")).attachments] == [
        "message/rfc822"
    ]


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("attachment; filename=a.pdf", "a.pdf"),
        ('attachment; filename="a \\"b\\" c.pdf"', 'a "b" c.pdf'),
        ("attachment; filename==?utf-8?b?4oKsLnBkZg==?=", "€.pdf"),
        ('attachment; filename="=?utf-8?q?=E2=82=AC=2Epdf?="', "€.pdf"),
        ("attachment; filename*=utf-8''%e2%82%ac%20rates.pdf", "€ rates.pdf"),
        ("attachment; filename*=iso-8859-1'en'%A3.pdf", "£.pdf"),
        ("attachment; filename*0*=utf-8''%e2%82; filename*1*=%ac; filename*2=.pdf", "€.pdf"),
        ('attachment; filename*1="b.pdf"; filename*0="a"', "ab.pdf"),
        ("attachment; filename*=bogus''%e2%82%ac", "€"),
        ("attachment; filename=Grüße.pdf", "Grüße.pdf"),
        ("attachment; filename=../../etc/passwd", "_.._etc_passwd"),
        ("attachment; filename=C:\\temp\\a.pdf", "C:_temp_a.pdf"),
        ("attachment; filename*=utf-8''%00a%0d%0ab%1b.pdf", "\ufffda b_.pdf"),
        ("attachment; filename*=utf-8''gpj%e2%80%aeexe.pdf", "gpj_exe.pdf"),
        ('attachment; filename="."', None),
        ('attachment; filename="  "', None),
        ("attachment", None),
    ],
)
def test_filenames(disposition: str, name: str | None):
    assert filename(Content_Disposition=disposition) == name


def test_a_name_of_the_content_type_is_a_filename():
    assert filename(Content_Type="application/pdf; name=a.pdf", Content_Disposition="attachment") == "a.pdf"


def test_a_long_filename_keeps_its_extension():
    name = filename(Content_Disposition=f"attachment; filename={'ü' * 300}.pdf") or ""

    assert len(name) == limits.FILENAME
    assert name.endswith("ü.pdf")


def test_attachments_are_extracted_by_their_position(shared_parser: Parser):
    mail = BytesIO(
        multipart(
            "mixed",
            part("Hello"),
            part("AAECAw==", "application/x-a; name=a", Content_Transfer_Encoding="base64"),
            part(b"\0\xff\r\n=3D", "application/x-b; name=b"),
            part("", "application/x-c; name=c"),
        )
    )

    found = shared_parser.parse(mail).attachments
    extracted = []
    for attachment in found:
        into = BytesIO()
        assert shared_parser.extract(mail, attachment.index, into) == attachment
        extracted.append(into.getvalue())

    assert extracted == [b"\0\1\2\3", b"\0\xff\r\n=3D", b""]
    assert [attachment.size for attachment in found] == [4, 7, 0]
    assert shared_parser.extract(mail, 3, BytesIO()) is None


@pytest.mark.parametrize("line", [57, 58, 3 * 250_000])
def test_base64_of_any_size_and_line_length(line: int):
    content = random.Random(line).randbytes(800_000)
    encoded = b"\r\n".join(b64encode(content[start : start + line]) for start in range(0, len(content), line))

    assert b"".join(decoded(encoded, 0, len(encoded), "base64")) == content


@pytest.mark.parametrize("line", [20, 400_000])
def test_quoted_printable_of_any_size_and_line_length(line: int):
    content = random.Random(line).randbytes(400_000)
    quoted = [b"=%02X" % byte if byte < 200 else b"a" for byte in content]
    encoded = b"=\r\n".join(b"".join(quoted[start : start + line]) for start in range(0, len(quoted), line))

    assert b"".join(decoded(encoded, 0, len(encoded), "quoted-printable")) == bytes(
        byte if byte < 200 else 97 for byte in content
    )


def test_uuencode():
    content = random.Random(1).randbytes(10_000)
    lines = [b2a_uu(content[start : start + 45]) for start in range(0, len(content), 45)]
    encoded = b"text before\nbegin 644 a.bin\n" + b"".join(lines) + b"`\nend\ntext after\n"

    assert b"".join(decoded(encoded, 0, len(encoded), "uue")) == content


def test_what_is_not_the_part_is_not_decoded():
    assert b"".join(decoded(b"AAAAQUJDAAAA", 4, 8, "base64")) == b"ABC"
    assert b"".join(decoded(b"=41=42=43", 3, 6, "quoted-printable")) == b"B"
    assert b"".join(decoded(b"abcdef", 2, 4, "")) == b"cd"
