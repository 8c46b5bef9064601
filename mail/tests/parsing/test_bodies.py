"""The text, the HTML and the preview of a mail."""

from __future__ import annotations

from base64 import b64encode
from email.message import EmailMessage, MIMEPart

import pytest

from mail.parsing import limits
from mail.parsing.parsed import ParsedMail
from mail.parsing.reading.mail import read_mail

pytestmark = pytest.mark.sqlite_only

PNG = b"\x89PNG\r\n\x1a\nimage"


def part(content: str | bytes, content_type: str = "text/plain", **fields: str) -> bytes:
    lines = [f"Content-Type: {content_type}", *(f"{name.replace('_', '-')}: {value}" for name, value in fields.items())]
    body = content if isinstance(content, bytes) else content.encode()
    return "\r\n".join([*lines, "", ""]).encode() + body


def multipart(kind: str, *parts: bytes, boundary: str = "b") -> bytes:
    lines = b"".join(f"--{boundary}\r\n".encode() + part + b"\r\n" for part in parts)
    return part(lines + f"--{boundary}--\r\n".encode(), f"multipart/{kind}; boundary={boundary}")


def read(content: bytes) -> ParsedMail:
    return read_mail(b"Subject: x\r\n" + content)


def test_plain_text():
    mail = read(part("Hello\r\n\r\n  World\r\n"))

    assert (mail.text, mail.html, mail.preview, mail.attachments) == ("Hello\n\n  World\n", None, "Hello World", [])


def test_text_and_html_are_alternatives():
    mail = read(multipart("alternative", part("Plain"), part("<p>HTML</p>", "text/html")))

    assert (mail.text, mail.html) == ("Plain", "<p>HTML</p>")


def test_the_text_of_html_is_made_from_it():
    mail = read(
        part(
            "<html><head><title>T</title><style>p {}</style></head><body><h1>Hello</h1><p>1. A <b>bold</b> "
            "<a href='https://example.com'>link</a>&nbsp;&amp; <img src='https://example.com/x.png' alt='y'></p>"
            "<a href='https://example.com/y'> <img src='x'></a><div>-- </div><div>+1 -- Jane</div>"
            "<ul><li>item</li></ul><table><tr><td>cell</td><td>two</td></tr></table><script>x()</script></body></html>",
            "text/html",
        )
    )

    assert (mail.text or "").split("\n") == [
        "Hello",
        "",
        "1. A bold [link](https://example.com) &",
        "",
        "--",
        "",
        "+1 -- Jane",
        "",
        "  * item",
        "",
        "cell two",
    ]
    assert mail.preview == "Hello 1. A bold link & -- +1 -- Jane * item cell two"


def test_an_empty_text_is_replaced_by_that_of_the_html():
    mail = read(multipart("alternative", part(" \r\n"), part("<p>HTML</p>", "text/html")))

    assert mail.text == "HTML"


def test_texts_one_after_the_other_are_joined():
    mail = read(multipart("mixed", part("One"), part("<p>Two</p>", "text/html"), part("Three\n\n<4>")))

    assert mail.text == "One\nTwo\nThree\n\n<4>"
    assert mail.html == "<p>One</p><br/>\n<p>Two</p><br/>\n<p>Three</p><p>&lt;4&gt;</p>"


def test_text_without_html_stays_without():
    assert read(multipart("mixed", part("One"), part("Two"))).html is None


@pytest.mark.parametrize(
    ("content", "charset", "text"),
    [
        ("Grüße €".encode(), "utf-8", "Grüße €"),
        ("Grüße".encode("latin-1"), "iso-8859-1", "Grüße"),
        ("Привет".encode("koi8-r"), "koi8-r", "Привет"),
        ("中文".encode("gbk"), '"GB2312"', "中文"),
        ("こんにちは".encode("iso-2022-jp"), "ISO-2022-JP", "こんにちは"),
        ("Grüße".encode(), "us-ascii", "Grüße"),
        ("Grüße".encode("latin-1"), "utf-8", "Grüße"),
        ("Grüße".encode(), "bogus", "Grüße"),
        ("Grüße".encode("latin-1"), "x-unknown", "Grüße"),
        (b"Hello", "base64", "Hello"),
        (b"Hello", "zlib", "Hello"),
        ("Grüße".encode("utf-16"), "utf-16", "Grüße"),
        ("\ufeffGrüße".encode(), "utf-8", "Grüße"),
        (b"a\0b", "utf-8", "a\ufffdb"),
        ("Привет, мир".encode() + b"\xd1f", "utf-8", "Привет, мир\ufffdf"),
        ("中文中文中文中文".encode("gb18030") + b"\xffx", "gb2312", "中文中文中文中文\ufffdx"),
    ],
)
def test_the_charset_is_the_declared_one_or_utf_8_or_latin_1(content: bytes, charset: str, text: str):
    assert read(part(content, f"text/plain; charset={charset}")).text == text


@pytest.mark.parametrize(
    ("encoding", "content", "text"),
    [
        ("quoted-printable", b"Gr=C3=BC=C3=9Fe =\r\nund =3D=\r\n", "Grüße und ="),
        ("Quoted-Printable", b"100% =ZZ =", "100% =ZZ "),
        ("base64", b64encode("Grüße".encode()), "Grüße"),
        ("BASE64", b"R3LDv\r\n!MOfZQ", "Grüße"),
        ("base64", b"SGVs\r\nbG8=SGVsbG8=", "HelloHello"),
        ("base64 ; x", b"SGVsbG8", "Hello"),
        ("x-uuencode", b"begin 644 x\r\n%2&5L;&\\ \r\n`\r\nend\r\n", "Hello"),
        ("8bit", "Grüße".encode(), "Grüße"),
        ("bogus", b"Hello", "Hello"),
    ],
)
def test_transfer_encodings(encoding: str, content: bytes, text: str):
    assert read(part(content, Content_Transfer_Encoding=encoding)).text == text


def test_flowed_text():
    content = "A line that \r\ngoes on.\r\n From here\r\n-- \r\nJane"

    assert read(part(content, "text/plain; format=flowed")).text == "A line that goes on.\nFrom here\n-- \nJane"
    assert read(part("中 \r\n文", "text/plain; format=flowed; delsp=yes")).text == "中文"


def test_a_preview_is_one_line_of_at_most_200_characters():
    assert read(part(" \r\n" * 5_000 + "A\t b\r\n" + "ü" * 300)).preview == "A b " + "ü" * 196


def related(*images: tuple[str, bytes, str], html: str = "") -> bytes:
    html = html or "".join(f'<img src="cid:{content_id}">' for content_id, _, _ in images)
    parts = [
        part(b64encode(content), content_type, Content_ID=f"<{content_id}>", Content_Transfer_Encoding="base64")
        for content_id, content, content_type in images
    ]
    return multipart("related", part(html, "text/html"), *parts)


def test_images_of_the_mail_are_shown_and_are_attachments():
    mail = read(related(("a@x", PNG, "image/png")))

    assert mail.html == f'<img src="data:image/png;base64,{b64encode(PNG).decode()}">'
    assert [(found.content_id, found.size) for found in mail.attachments] == [("<a@x>", len(PNG))]


@pytest.mark.parametrize(
    ("image", "shown"),
    [
        ((b"x" * limits.INLINE_IMAGE, "image/png"), True),
        ((b"x" * (limits.INLINE_IMAGE + 1), "image/png"), False),
        ((b"<svg/>", "image/svg+xml"), False),
        ((b"x", "application/png"), False),
    ],
)
def test_only_small_images_of_known_types_become_a_part_of_the_html(image: tuple[bytes, str], shown: bool):
    html = read(related(("a@x", *image))).html or ""

    assert html.startswith('<img src="data:image/png;base64,') is shown
    assert (html == '<img src="cid:a@x">') is not shown


def test_images_in_the_html_have_a_limit_together():
    mail = read(related(*((f"{number}@x", b"x" * limits.INLINE_IMAGE, "image/png") for number in range(6))))

    assert (mail.html or "").count("data:image/png") == limits.INLINE_IMAGES // limits.INLINE_IMAGE
    assert (mail.html or "").count("cid:") == 2
    assert mail.text is None
    assert mail.truncated == []


def test_an_image_that_is_named_twice_is_read_once_and_shown_twice():
    mail = read(
        related(("a b@x", PNG, "image/png"), html='<img src="cid:a%20b@x"><img src="cid:a%20b@x"><img src="cid:c">')
    )

    assert (mail.html or "").count("data:image/png") == 2
    assert (mail.html or "").endswith('<img src="cid:c">')


def test_a_delivery_status_is_text():
    status = part("Final-Recipient: rfc822; a@example.com\r\n", "message/delivery-status")
    mail = read(multipart("report", part("It bounced."), status, part("Subject: x", "text/rfc822-headers")))

    assert mail.text == "It bounced.\nFinal-Recipient: rfc822; a@example.com\n"
    assert [found.content_type for found in mail.attachments] == ["text/rfc822-headers"]


def test_a_multipart_without_parts_is_text():
    assert read(part("Hello", "multipart/mixed; boundary=b")).text == "Hello"
    assert read(part("Hello", "multipart/mixed")).text == "Hello"


def test_parts_of_parts_keep_their_order():
    message = EmailMessage()
    message.set_content("Hello")
    message.add_alternative("<p>Hello</p><img src='cid:a'>", subtype="html")
    html = message.get_payload()[1]
    assert isinstance(html, MIMEPart)
    html.add_related(PNG, "image", "png", cid="<a>")
    message.add_attachment(b"%PDF", "application", "pdf", filename="a.pdf")

    mail = read_mail(message.as_bytes())

    assert mail.text == "Hello\n"
    assert (mail.html or "").startswith('<p>Hello</p><img src="data:image/png;base64,')
    assert [(found.content_type, found.content_id) for found in mail.attachments] == [
        ("image/png", "<a>"),
        ("application/pdf", None),
    ]
