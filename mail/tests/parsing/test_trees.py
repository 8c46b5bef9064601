"""Generated mails: whatever the structure, charsets and encodings, what was put in comes out."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from io import BytesIO
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.parsing.pool import Parser
from mail.parsing.reading.mail import read_attachment, read_mail
from mail.tests.parsing.test_hostile import check

pytestmark = pytest.mark.sqlite_only

CHARSETS = ["utf-8", "iso-8859-1", "koi8-r", "iso-2022-jp", "utf-16", "gb18030", "us-ascii", "bogus", "punycode", ""]
TYPES = ["application/pdf", "image/png", "text/calendar", "message/rfc822", "video/x-bogus"]
LINES = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=40)


@dataclass(frozen=True)
class Leaf:
    """A part, and what it is: an attachment has `content`."""

    raw: bytes
    content: bytes | None = None
    filename: str = ""
    in_text: str = ""


@dataclass(frozen=True)
class Branch:
    kind: str
    children: list[Leaf | Branch]


def encoded(content: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return base64.encodebytes(content).replace(b"\n", b"\r\n")
    if encoding == "quoted-printable":
        lines = (b"=\r\n".join(b"=%02X" % byte for byte in line) for line in content.split(b"\r\n"))
        return b"\r\n".join(lines)
    return content


@st.composite
def attachment(draw: st.DrawFn) -> Leaf:
    content = draw(st.binary(max_size=200))
    encoding = draw(st.sampled_from(["base64", "8bit", "binary", ""]))
    name = draw(st.text(st.characters(categories=["Lu", "Ll", "Lo", "Nd"]), min_size=1, max_size=30))
    fields = [
        b"Content-Type: " + draw(st.sampled_from(TYPES)).encode(),
        b"Content-Transfer-Encoding: " + encoding.encode(),
        b"Content-Disposition: attachment; filename*=utf-8''" + b"".join(b"%%%02X" % byte for byte in name.encode()),
    ]
    return Leaf(b"\r\n".join([*fields, b"", encoded(content, encoding)]), content, name)


@st.composite
def text(draw: st.DrawFn) -> Leaf:
    charset = draw(st.sampled_from(CHARSETS))
    encoding = draw(st.sampled_from(["base64", "quoted-printable", "8bit"]))
    written = "\r\n".join(draw(st.lists(LINES, max_size=5)))
    try:
        content = written.encode(charset)
    except (LookupError, UnicodeError):
        content = written.encode()
    kind = draw(st.sampled_from(["plain", "plain", "html"]))
    fields = [
        f"Content-Type: text/{kind}" + (f"; charset={charset}" if charset else ""),
        f"Content-Transfer-Encoding: {encoding}",
    ]
    is_exact = kind == "plain" and charset == "utf-8" and "\0" not in written and "\ufeff" not in written
    return Leaf(
        "\r\n".join([*fields, "", ""]).encode() + encoded(content, encoding),
        in_text=written.replace("\r\n", "\n") if is_exact else "",
    )


trees = st.recursive(
    attachment() | text(),
    lambda children: st.builds(
        Branch, st.sampled_from(["mixed", "alternative", "related", "digest", "signed"]), st.lists(children, max_size=4)
    ),
    max_leaves=12,
)


def written(tree: Leaf | Branch, numbers: count[int]) -> bytes:
    if isinstance(tree, Leaf):
        return tree.raw
    boundary = b"=_%d_boundary" % next(numbers)
    parts = [b"--" + boundary + b"\r\n" + written(child, numbers) + b"\r\n" for child in tree.children]
    head = b'Content-Type: multipart/%s; boundary="%s"\r\n\r\n' % (tree.kind.encode(), boundary)
    return head + b"".join(parts) + b"--" + boundary + b"--\r\n"


def leaves(tree: Leaf | Branch) -> list[Leaf]:
    return [tree] if isinstance(tree, Leaf) else [leaf for child in tree.children for leaf in leaves(child)]


@given(trees)
def test_what_was_put_into_a_mail_comes_out(tree: Leaf | Branch):
    mail = b"Subject: generated\r\n" + written(tree, count())

    found = read_mail(mail)

    check(found)
    assert (found.subject, found.truncated) == ("generated", [])
    extracted = []
    for described in found.attachments:
        read = read_attachment(mail, described.index)
        assert read is not None
        content = b"".join(read[1])
        assert read[0] == described
        assert described.size == len(content)
        extracted.append((described.filename, content))
    put_in = [(leaf.filename, leaf.content) for leaf in leaves(tree) if leaf.content is not None]
    assert extracted == put_in
    for leaf in leaves(tree):
        assert leaf.in_text.strip() in (found.text or "")


@given(
    st.lists(
        st.sampled_from(
            [
                b"--b",
                b"--b--",
                b"--c",
                b"\r\n",
                b"\n",
                b"\r",
                b" ",
                b"\t",
                b":",
                b";",
                b"=",
                b'"',
                b"<",
                b">",
                b"(",
                b",",
                b"@",
                b"\0",
                b"\xff",
                b"=?",
                b"?=",
                b"Content-Type: multipart/mixed; boundary=b\r\n",
                b"Content-Type: multipart/alternative; boundary=c\r\n",
                b"Content-Type: text/html\r\n",
                b"Content-Transfer-Encoding: base64\r\n",
                b"Content-Transfer-Encoding: x-uuencode\r\n",
                b"Content-Disposition: attachment; filename*0*=utf-8''%",
                b"To: ",
                b"Date: ",
                b"List-Id: ",
                b"References: ",
                b"Subject: =?utf-8?q?",
                b"begin 644 x\r\n",
                b"<p style='",
                b"<img src=cid:x>",
                b"a",
                "ü".encode(),
                b"M",
                b"AAAA",
            ]
        ),
        max_size=60,
    )
)
def test_a_mail_of_fragments_is_read(fragments: list[bytes]):
    mail = b"".join(fragments)

    found = read_mail(mail)

    check(found)
    for described in found.attachments:
        read = read_attachment(mail, described.index)
        assert read is not None
        assert (read[0], described.size) == (described, len(b"".join(read[1])))


@given(st.binary(max_size=300))
def test_bytes_that_are_no_mail_are_read(content: bytes):
    check(read_mail(content))
    check(read_mail(b"Content-Type: text/html\r\nTo: " + content))


def test_a_mail_is_the_same_through_the_process(shared_parser: Parser):
    tree = Branch("mixed", [Leaf(b"\r\nHello"), Leaf(b"Content-Type: image/png\r\n\r\nx")])
    mail = written(tree, count())

    through_the_process = shared_parser.parse(BytesIO(mail))

    assert through_the_process.seconds > 0
    assert read_mail(mail).attachments == through_the_process.attachments
    assert read_mail(mail).headers == through_the_process.headers
