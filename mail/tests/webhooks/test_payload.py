"""The body of a webhook: its members, what endpoints may leave out, and that it is always the same."""

from __future__ import annotations

from typing import Any

import pytest

from mail.parsing.parsed import attachment_as_plain
from mail.parsing.reading.mail import read_mail
from mail.tests.inbox import RAW, mail_with
from mail.tests.webhooks.mails import ENDPOINT, email
from mail.webhooks.payload import Addressee, payload

pytestmark = pytest.mark.sqlite_only


def body_of(raw: bytes = RAW, *, mode: str = "full", **message: Any) -> dict[str, Any]:
    return payload(email(raw, **message), Addressee("ep1", "Main", mode), raw.decode())


def test_a_body_is_about_an_event_an_email_and_an_endpoint():
    body = body_of()

    assert list(body) == ["event", "timestamp", "email", "endpoint"]
    assert (body["event"], body["timestamp"]) == ("email.received", "2026-11-10T08:00:01.500Z")
    assert body["endpoint"] == {"id": "ep1", "name": "Main", "type": "webhook"}


def test_an_email_has_what_only_inbound_says(settings: Any):
    settings.PUBLIC_URL = "https://mail.example.net"

    found = body_of(spf="PASS", virus="FAIL")["email"]

    assert found["security"] == {
        "spf": "PASS",
        "dkim": "UNKNOWN",
        "dmarc": "UNKNOWN",
        "spam": "UNKNOWN",
        "virus": "FAIL",
    }
    assert found["envelope"] == {"from": "bounce@example.net", "recipient": "hello@example.com"}
    assert found["rawUrl"] == "https://mail.example.net/api/v2/mail/em1/raw"
    (attachment,) = found["parsedData"]["attachments"]
    assert attachment["downloadUrl"] == "https://mail.example.net/api/v2/mail/em1/attachments/0"
    assert found["truncated"] == []


def test_urls_are_paths_without_a_public_url():
    assert body_of()["email"]["rawUrl"] == "/api/v2/mail/em1/raw"


def test_what_a_mail_lacks_is_null_or_left_out_as_the_contract_says():
    found = body_of(b"\r\nHi")["email"]

    assert {name: found[name] for name in ("messageId", "from", "to", "subject")} == dict.fromkeys(
        ("messageId", "from", "to", "subject")
    )
    assert found["parsedData"] == {
        **dict.fromkeys(("from", "to", "cc", "bcc", "replyTo")),
        "textBody": "Hi",
        "raw": "\r\nHi",
        "attachments": [],
        "headers": {},
    }
    assert found["cleanedContent"] == {
        "html": None,
        "text": "Hi",
        "hasHtml": False,
        "hasText": True,
        "attachments": [],
        "headers": {},
    }


def test_an_attachment_leaves_out_what_it_has_not():
    (attachment,) = body_of(mail_with((None, "image/png", b"1")))["email"]["parsedData"]["attachments"]

    assert list(attachment) == ["contentType", "size", "contentDisposition", "downloadUrl"]


@pytest.mark.parametrize(
    ("fields", "thread"),
    [
        (b"References: <1@a> <2@a>\r\nIn-Reply-To: <3@a>\r\nMessage-ID: <4@a>", "<1@a>"),
        (b"In-Reply-To: <3@a>\r\nMessage-ID: <4@a>", "<3@a>"),
        (b"Message-ID: <4@a>", "<4@a>"),
        (b"Subject: Hi", "em1"),
    ],
)
def test_the_thread_is_the_first_mail_that_a_mail_refers_to(fields: bytes, thread: str):
    assert body_of(fields + b"\r\n\r\nHi")["email"]["threadId"] == thread


def test_a_body_without_raw_leaves_it_out_and_does_not_call_that_truncated():
    found = body_of(mode="noRaw")["email"]

    assert "raw" not in found["parsedData"]
    assert (found["truncated"], found["parsedData"]["textBody"]) == ([], "Hello\n")


def test_a_thin_body_says_who_wrote_to_whom_and_what_there_is():
    found = body_of(mail_with(("a.txt", "text/plain", b"1"), text="Hello"), mode="thin")["email"]

    assert found["subject"] == "Hi"
    assert not {"raw", "textBody", "htmlBody"} & set(found["parsedData"])
    assert (found["parsedData"]["headers"], found["cleanedContent"]["text"]) == ({}, None)
    assert (found["cleanedContent"]["hasText"], len(found["parsedData"]["attachments"])) == (True, 1)
    assert found["truncated"] == []


def test_raw_text_that_is_not_there_is_named():
    assert payload(email(RAW), ENDPOINT, None)["email"]["truncated"] == ["raw"]


def test_what_the_parser_has_cut_is_named_as_in_the_body():
    assert body_of(truncated=["text", "html", "attachments"])["email"]["truncated"] == [
        "textBody",
        "htmlBody",
        "attachments",
    ]


def test_the_mail_arrived_when_it_was_not_read():
    assert body_of(ingested_at=None)["timestamp"] == "2026-11-10T08:00:00.250Z"


def test_attachments_are_those_of_the_parser():
    expected = [attachment_as_plain(each)["filename"] for each in read_mail(RAW).attachments]

    assert [each["filename"] for each in body_of()["email"]["parsedData"]["attachments"]] == expected
