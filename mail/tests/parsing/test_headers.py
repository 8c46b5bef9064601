"""Header fields have the shapes that handlers of the reference service know."""

from __future__ import annotations

from typing import Any

import pytest

from mail.parsing.parsed import ParsedMail
from mail.parsing.reading.mail import read_mail

pytestmark = pytest.mark.sqlite_only


def read(*fields: str | bytes, body: bytes = b"Hello") -> ParsedMail:
    lines = [field if isinstance(field, bytes) else field.encode() for field in fields]
    return read_mail(b"\r\n".join([*lines, b"", body]))


def headers(*fields: str | bytes) -> dict[str, Any]:
    return read(*fields).headers


def values(field: str | bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = headers(field)["to"]["value"]
    return found


def test_names_are_lower_case_and_a_repeated_field_is_an_array():
    assert headers("X-One: 1", "Received: from a", "RECEIVED: from b", "X-Two:", "x-folded: a\r\n\tb") == {
        "x-one": "1",
        "received": ["from a", "from b"],
        "x-folded": "a\tb",
    }


def test_of_fields_that_may_come_once_the_last_counts():
    found = headers(
        "Subject: one", "Subject: two", "Message-ID: <1@a>", "Message-ID: <2@a>", "From: a@b.c", "From: d@e.f"
    )

    assert (found["subject"], found["message-id"], found["from"]["text"]) == ("two", "<2@a>", "d@e.f")


def test_an_address_field_has_value_html_and_text():
    assert headers('To: "Doe, Jane" <jane@example.com>, joe@example.com') == {
        "to": {
            "value": [
                {"address": "jane@example.com", "name": "Doe, Jane"},
                {"address": "joe@example.com", "name": ""},
            ],
            "html": '<span class="mp_address_group"><span class="mp_address_name">Doe, Jane</span> &lt;'
            '<a href="mailto:jane@example.com" class="mp_address_email">jane@example.com</a>&gt;</span>, '
            '<span class="mp_address_group">'
            '<a href="mailto:joe@example.com" class="mp_address_email">joe@example.com</a></span>',
            "text": '"Doe, Jane" <jane@example.com>, joe@example.com',
        }
    }


def test_the_html_of_an_address_is_escaped():
    html = headers('From: "<script>alert(1)</script>" <"><img src=x>@example.com>')["from"]["html"]

    assert "<script" not in html
    assert "<img" not in html


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("To: a@example.com", [("", "a@example.com")]),
        ("To: <a@example.com>", [("", "a@example.com")]),
        ("To: a@example.com <a@example.com>", [("", "a@example.com")]),
        ("To: Jane Doe <a@example.com>", [("Jane Doe", "a@example.com")]),
        ('To: "Jane \\"J\\" Doe" <a@example.com>', [('Jane "J" Doe', "a@example.com")]),
        ("To: a@example.com (Jane Doe)", [("Jane Doe", "a@example.com")]),
        ("To: Jane Doe a@example.com", [("Jane Doe", "a@example.com")]),
        ("To: Jane, Joe <a@example.com>", [("Jane", ""), ("Joe", "a@example.com")]),
        ("To: a@example.com; b@example.com", [("", "a@example.com"), ("", "b@example.com")]),
        ("To: ,, a@example.com,,", [("", "a@example.com")]),
        ('To: "a b"@example.com', [("", '"a b"@example.com')]),
        ("To: =?utf-8?q?J=C3=BCrgen=2C_M=2E?= <a@example.com>", [("Jürgen, M.", "a@example.com")]),
        ("To: =?utf-8?b?SmFuZSA8YUBleGFtcGxlLmNvbT4=?=", [("Jane", "a@example.com")]),
        ("To: Jürgen <jürgen@exämple.com>", [("Jürgen", "jürgen@exämple.com")]),
        ("To: Jürgen <a@example.com>".encode("latin-1"), [("Jürgen", "a@example.com")]),
        ("To: undisclosed-recipients", [("undisclosed-recipients", "")]),
        ("To: <nobody>", [("nobody", "")]),
        ("To: Jane <a@example.com", [("Jane", "a@example.com")]),
        ('To: "Jane <a@example.com>', [("Jane", "a@example.com")]),
        ("To: a@example.com\r\n ,\r\n b@example.com", [("", "a@example.com"), ("", "b@example.com")]),
    ],
)
def test_addresses_are_read_leniently(field: str | bytes, expected: list[tuple[str, str]]):
    assert [(found["name"], found["address"]) for found in values(field)] == expected


def test_a_group_has_members():
    assert values("To: Team: a@example.com, B <b@example.com>; c@example.com, Nobody:;") == [
        {
            "name": "Team",
            "group": [{"address": "a@example.com", "name": ""}, {"address": "b@example.com", "name": "B"}],
        },
        {"address": "c@example.com", "name": ""},
        {"name": "Nobody", "group": []},
    ]


def test_addresses_of_the_row_are_flattened():
    mail = read("From: A <a@b.c>", "To: a@b.c", "To: Team: B <b@b.c>;", "To: Nobody:;", "Reply-To: c@b.c")

    assert mail.addresses == {
        "from": {"text": '"A" <a@b.c>', "addresses": [{"name": "A", "address": "a@b.c"}]},
        "to": {
            "text": 'a@b.c, "Team": "B" <b@b.c>;, "Nobody": ;',
            "addresses": [
                {"name": None, "address": "a@b.c"},
                {"name": "B", "address": "b@b.c"},
                {"name": "Nobody", "address": None},
            ],
        },
        "cc": None,
        "bcc": None,
        "replyTo": {"text": "c@b.c", "addresses": [{"name": None, "address": "c@b.c"}]},
    }
    assert [shown["text"] for shown in mail.headers["to"]] == ["a@b.c", '"Team": "B" <b@b.c>;', '"Nobody": ;']


def test_fields_with_parameters():
    found = headers(
        'Content-Type: Text/Plain; charset="utf-8"; NAME*0*=utf-8\'\'%e2%82; name*1*=%ac; name*2=".txt"; format=flowed',
        "Content-Disposition: inline; filename==?utf-8?q?=E2=82=AC?=",
        "DKIM-Signature: v=1; a=rsa-sha256; d=example.com;\r\n b=abc=",
        "DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; b=def",
    )

    assert found == {
        "content-type": {"value": "Text/Plain", "params": {"charset": "utf-8", "format": "flowed", "name": "€.txt"}},
        "content-disposition": {"value": "inline", "params": {"filename": "€"}},
        "dkim-signature": [
            {"value": "v=1", "params": {"a": "rsa-sha256", "d": "example.com", "b": "abc="}},
            {"value": "v=1", "params": {"a": "ed25519-sha256", "d": "example.org", "b": "def"}},
        ],
    }


def test_list_fields_are_merged():
    assert headers(
        "List-Id: News of us <news.example.com>",
        "List-Unsubscribe: <mailto:leave@example.com?subject=x>, <https://example.com/leave?who=a@example.com>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "List-Post: NO",
    ) == {
        "list": {
            "id": {"name": "News of us", "id": "news.example.com"},
            "unsubscribe": {
                "mail": "leave@example.com?subject=x",
                "url": "https://example.com/leave?who=a@example.com",
            },
            "unsubscribe-post": {"name": "List-Unsubscribe=One-Click"},
            "post": {"name": "NO"},
        }
    }


@pytest.mark.parametrize(
    ("value", "date"),
    [
        ("Mon, 1 Jan 2024 10:00:00 +0100", "2024-01-01T09:00:00.000Z"),
        ("1 Jan 2024 10:00:00 -0000", "2024-01-01T10:00:00.000Z"),
        ("1 Jan 24 10:00 GMT", "2024-01-01T10:00:00.000Z"),
        ("Mon, 1 Jan 2024 10:00:00", "2024-01-01T10:00:00.000Z"),
        ("1 Jan 0099 10:00 GMT", "1999-01-01T10:00:00.000Z"),
        ("yesterday", None),
        ("Mon, 99 Jan 2024 99:00:00 +9999", None),
        ("31 Dec 9999 23:59:59 -2359", None),
    ],
)
def test_a_date_is_iso_text_and_an_unreadable_one_is_left_as_it_is(value: str, date: str | None):
    mail = read(f"Date: {value}")

    assert mail.date == date
    assert mail.headers["date"] == (date or value)


@pytest.mark.parametrize(
    ("field", "priority"),
    [
        ("X-Priority: 1 (Highest)", "high"),
        ("X-Priority: 3", "normal"),
        ("X-Priority: 5", "low"),
        ("Importance: High", "high"),
        ("Importance: low", "low"),
        ("Priority: non-urgent", "low"),
        ("X-MSMail-Priority: Normal", "normal"),
    ],
)
def test_every_field_of_priority_is_one(field: str, priority: str):
    mail = read(field)

    assert mail.headers == {"priority": priority}
    assert mail.priority == priority


def test_references_are_one_text_or_an_array():
    assert headers("References: <a@b>")["references"] == "<a@b>"
    assert headers("References: <a@b> c@d\r\n\t<e@f>")["references"] == ["<a@b>", "<c@d>", "<e@f>"]
    assert read("References: <a@b>").references == ["<a@b>"]
    assert read("Subject: x").references == []


def test_message_ids_have_brackets():
    mail = read("Message-ID: a@b", "In-Reply-To: <c@d>")

    assert (mail.message_id, mail.in_reply_to) == ("<a@b>", "<c@d>")
    assert (mail.headers["message-id"], mail.headers["in-reply-to"]) == ("<a@b>", "<c@d>")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("Re: =?UTF-8?B?R3LDvMOfZQ==?= aus =?iso-8859-1?q?K=F6ln?=!", "Re: Grüße aus Köln!"),
        # A character in two words, and space between words, which is not there.
        ("=?utf-8?b?4oI=?=\r\n =?utf-8?b?rA==?=", "€"),
        ("=?utf-8?q?a_b?= =?us-ascii?q?c?= d", "a bc d"),
        ("=?bogus?q?Gr=C3=BC?=", "Grü"),
        ("=?utf-8?q?=FF?=", "ÿ"),
        ("=?utf-8*de?q?Hallo?=", "Hallo"),
        ("=?utf-8?q?not closed", "=?utf-8?q?not closed"),
        ("=?iso-2022-jp?b?GyRCJDMkcyRLJEEkTxsoQg==?=", "こんにちは"),
    ],
)
def test_encoded_words_are_decoded(value: str, text: str):
    assert read(f"Subject: {value}").subject == text


@pytest.mark.parametrize("raw", ["Grüße €".encode(), "Grüße".encode("latin-1")])
def test_raw_eight_bit_fields_are_read(raw: bytes):
    assert (read(b"Subject: " + raw).subject or "").startswith("Grüße")


def test_a_mail_without_fields_has_none():
    mail = read_mail(b"")

    assert (mail.subject, mail.message_id, mail.date, mail.headers, mail.text) == (None, None, None, {}, None)
    assert set(mail.addresses.values()) == {None}


def test_lines_that_are_no_fields_are_skipped():
    mail = read_mail(b"From mbox Mon Jan 1 10:00:00 2024\nSubject: One\nnot a field\n: empty\nX-Y : 1\n\nHello\n")

    assert mail.headers == {"subject": "One", "x-y": "1"}
    assert mail.text == "Hello\n"


def test_a_mail_that_begins_with_text_is_text():
    assert read_mail(b"Hello\n\nWorld\n").text == "Hello\n\nWorld\n"


@pytest.mark.parametrize("line_end", ["=0D=0A", "=0A", "=0D", "=C2=85", "=E2=80=A8"])
def test_no_encoding_brings_a_line_end_into_a_header(line_end):
    word = f"=?utf-8?q?a{line_end}Bcc=3A_x?="
    extended = f"utf-8''a{line_end.replace('=', '%')}Bcc:%20x"
    mail = read(
        f"Subject: {word}",
        f"From: {word} <a@example.com>",
        f"X-Other: {word}",
        f'Content-Type: text/plain; name*={extended}; x="{word}"',
    )

    assert mail.subject == "a Bcc: x"
    assert mail.addresses["from"]["addresses"][0]["name"] == "a Bcc: x"
    assert mail.headers["x-other"] == "a Bcc: x"
    assert mail.headers["content-type"]["params"] == {"name": "a Bcc: x", "x": "a Bcc: x"}
