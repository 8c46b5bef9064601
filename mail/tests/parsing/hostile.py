"""Mails that cost other readers of mail their memory, their time or their nerves. Each begins with a subject and a sender."""

from __future__ import annotations

import base64
from collections.abc import Callable

TOP = b"From: Mallory <mallory@example.com>\r\nSubject: Listed\r\n"
MIME = TOP + b"MIME-Version: 1.0\r\n"


def html(body: bytes) -> bytes:
    return MIME + b"Content-Type: text/html; charset=utf-8\r\n\r\n" + body


def part(encoding: bytes, body: bytes, kind: bytes = b"text/plain") -> bytes:
    return MIME + b"Content-Type: " + kind + b"\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n" + body


def attached(body: bytes, encoding: bytes = b"base64") -> bytes:
    return (
        MIME
        + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee attached.\r\n--b\r\nContent-Type: "
        + b"application/octet-stream\r\nContent-Disposition: attachment; filename=big.bin\r\nContent-Transfer-Encoding: "
        + encoding
        + b"\r\n\r\n"
        + body
        + b"\r\n--b--\r\n"
    )


def nested_multiparts(levels: int) -> bytes:
    mail = MIME + b"Content-Type: multipart/mixed; boundary=b0\r\n\r\n"
    for level in range(levels):
        mail += b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (level, level + 1)
    return mail


def nested_messages(levels: int) -> bytes:
    return MIME + b"Content-Type: message/rfc822\r\n\r\n" * levels + b"Subject: innermost\r\n\r\nHello\r\n"


def many_parts(count: int) -> bytes:
    parts = b"--b\r\nContent-Type: image/png\r\n\r\nx\r\n" * count
    return MIME + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + parts + b"--b--\r\n"


def many_parts_without_blank_line(count: int, size: int) -> bytes:
    """Each part looks like a header that never ends."""
    parts = b"--b\r\nX-Header: begins\r\n" * count
    return MIME + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + parts + b"X" * size


def base64_lines(size: int) -> bytes:
    line = base64.b64encode(bytes(range(57))) + b"\r\n"
    return line * (size // len(line))


def formatting(count: int) -> bytes:
    """Open formatting elements, which a browser opens again in each paragraph."""
    return b"<p>" + b"".join(b'<font size="%d">' % number for number in range(count)) + b"<p>x" * count


# Small enough for every run, and each the end of some reader of mail.
HOSTILE: dict[str, Callable[[], bytes]] = {
    "encoded words in the subject": lambda: TOP.replace(b"Listed", b"Listed " + b"=?utf-8?q?a?= " * 66_000) + b"\r\n",
    "parameters of the content type": lambda: TOP + b"Content-Type: text/plain" + b"; a=b" * 95_000 + b"\r\n\r\nHello",
    "unclosed quotes in parameters": lambda: TOP + b"Content-Type: text/plain" + b'; a="' * 100_000 + b"\r\n\r\nHello",
    "sections of a parameter": lambda: (
        TOP + b"Content-Type: text/plain" + b"".join(b"; a*%d*=%%41" % n for n in range(60_000)) + b"\r\n\r\nHello"
    ),
    "20,000 recipients": lambda: TOP + b"To: " + b"a@example.com,\r\n " * 20_000 + b"b@example.com\r\n\r\nHello",
    "groups and comments": lambda: (
        TOP + b"To: " + b'a:(((<"' * 60_000 + b"\r\nCc: " + b"(" * 300_000 + b"\r\n\r\nHello"
    ),
    "quotes in an address": lambda: TOP + b"To: " + b'"\\' * 200_000 + b"\r\nCc: " + b'"@' * 200_000 + b"\r\n\r\nHello",
    "words that are almost addresses": lambda: TOP + (b"To: " + b"a" * 8_000 + b"@ " + b"\r\n") * 7 + b"\r\nHello",
    "references": lambda: TOP + b"References:" + b" <1234567890@example.com>\r\n" * 37_000 + b"\r\nHello",
    "20,000 parts": lambda: many_parts(20_000),
    "parts that never begin": lambda: many_parts_without_blank_line(20_000, 4_000_000),
    "3,000 nested multiparts": lambda: nested_multiparts(3_000),
    "3,000 nested messages": lambda: nested_messages(3_000),
    "an unknown charset": lambda: TOP + b"Content-Type: text/plain; charset=bogus\r\n\r\nH\xe9llo\r\n",
    "a charset that is none": lambda: (
        TOP + b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"a-" + b"b" * 300_000
    ),
    "a charset of one's own": lambda: TOP + b"Content-Type: text/plain; charset=unicode_escape\r\n\r\n\\ud800\\x00\r\n",
    "a message id of brackets": lambda: TOP + b"Message-ID: " + b"<" * 100_000 + b"\r\nIn-Reply-To: <<<\r\n\r\nHello",
    "100,000 nested elements": lambda: html(b"<div>" * 100_000),
    "10,000 nested elements": lambda: html(b"<div>" * 10_000),
    "formatting that is opened again": lambda: html(formatting(5_000)),
    "comments that do not end": lambda: html(b"<!--" * 200_000 + b"<![CDATA[" * 50_000),
    "tags that do not end": lambda: html(b"<a " * 9_000 + b"x" * 800_000),
    "ampersands": lambda: html(b"&" * 900_000),
    "entities": lambda: html(b"&#55296;&#0;" + b"&amp" * 150_000),
    "attributes": lambda: html(b"<p " + b"".join(b"a%d=x " % number for number in range(30_000)) + b">"),
    "styles": lambda: html((b'<p style="' + b"a" * 400_000 + b'">' + b" " * 9_000) * 2 + b"x"),
    "lists and quotes": lambda: html(b"<blockquote><ul><li>" * 3_000 + b"x"),
    "one line of base64": lambda: attached(base64.b64encode(b"x" * 3_000_000)),
    "padding": lambda: attached(b"=" * 3_000_000 + b"A=" * 500_000),
    "quoted-printable without an end": lambda: part(b"quoted-printable", b"=" * 1_000_000 + b"=4" * 1_000_000),
    "uuencode": lambda: part(b"x-uuencode", b"begin 644 x\r\n" + b"M" * 1_000_000 + b"\r\n\x7f\r\n" * 100_000),
    "a boundary of signs": lambda: (
        MIME
        + b'Content-Type: multipart/mixed; boundary="(.*)+$[a-"\r\n\r\n--(.*)+$[a-\r\n\r\nHello\r\n--(.*)+$[a---\r\n'
    ),
    "a boundary with spaces": lambda: (
        MIME + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + (b"--b" + b" " * 50_000 + b"x\r\n") * 40
    ),
    "an empty boundary": lambda: (
        MIME + b'Content-Type: multipart/mixed; boundary=""\r\n\r\n--\r\n\r\nHello\r\n----\r\n'
    ),
    "a boundary that never comes": lambda: MIME + b"Content-Type: multipart/mixed; boundary=b\r\n\r\nHello\r\n",
    "the same boundary inside": lambda: (
        MIME + (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 2_000) + b"\r\nHello\r\n--b--\r\n" * 2_000
    ),
    "NUL everywhere": lambda: (
        TOP
        + b"X-Nul: a\0b\r\nTo: \0 <a\0@example.com>\r\nContent-Type: text/plain; name*=utf-8''%00%ED%A0%80\r\n\r\n"
        + b"\0" * 5_000
    ),
    "lone surrogates": lambda: (
        TOP
        + b"X-Word: =?utf-16-le?b?ANg=?= =?utf-8?q?=ED=A0=80?=\r\nContent-Type: text/html\r\n\r\n&#xD800;\xed\xa0\x80"
    ),
    "a million header lines": lambda: TOP + b"X: y\r\n" * 1_000_000 + b"\r\nHello",
    "a header line of a megabyte": lambda: TOP + b"X-Long: " + b"x" * 1_000_000 + b"\r\n\r\nHello",
    "headers without colons": lambda: TOP + b"no colon here\r\nnor here\r\nTo: a@example.com\r\n\r\nHello",
    "dates": lambda: (
        TOP + b"Date: Mon, 99 Foo 99999999999 99:99:99 +9999999999\r\nDate: 1 Jan 1 00:00 +2359\r\n\r\nHello"
    ),
    "lines of one byte": lambda: attached(b"\n" * 4_000_000, b"8bit"),
}
