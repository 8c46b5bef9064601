"""What SES refuses to send."""

from __future__ import annotations

from typing import Any

import pytest

from ses_integration.tests.emulator.clients import control, refusal
from ses_integration.tests.emulator.sending.conftest import RAW, Sender

pytestmark = pytest.mark.sqlite_only


def head(*fields: str, body: bytes = b"Hello") -> bytes:
    lines = ("From: hello@example.com", "To: you@example.net", *fields)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def parts(count: int) -> bytes:
    return head('Content-Type: multipart/mixed; boundary="b"', body=b"--b\r\n\r\nx\r\n" * count + b"--b--\r\n")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (head("DKIM-Signature: v=1", "Dkim-signature: v=1"), "Duplicate header 'DKIM-Signature'."),
        (head("List-Unsubscribe: <a>", "List-Unsubscribe: <b>"), "Duplicate header 'List-Unsubscribe'."),
        (b"To: you@example.net\r\n\r\nHello", "Missing required header 'From'."),
        (head(": x"), "Empty header names are illegal."),
        (head("no colon"), "Invalid header line: 'no colon'."),
        (head("Reply-To: \u00e4@example.net"), "Local address contains control or whitespace"),
        (head(body=b"x" * 999), "Maximum line length exceeded: a line has more than 998 characters."),
        (head("Subject: " + "x" * 990), "Maximum line length exceeded: a line has more than 998 characters."),
        (b"From: hello@example.com", "The message must have a header and a body, separated by a blank line."),
        (parts(501), "The message has more than 500 MIME parts."),
    ],
)
def test_a_mail_that_is_not_as_ses_wants_it(sender: Sender, ses: Any, raw: bytes, message: str) -> None:
    """Amazon SES Developer Guide, "Amazon SES header fields", and quotas. v1 and v2 name the error differently."""
    answer = refusal(sender.send, raw=raw)
    assert (answer.code, answer.message, answer.status) == ("BadRequestException", message, 400)
    destination = {"Destinations": ["you@example.net"], "Source": "hello@example.com"}
    assert refusal(ses.send_raw_email, RawMessage={"Data": raw}, **destination).code == "InvalidParameterValue"
    assert sender.emulator.outbox() == []


@pytest.mark.parametrize(
    "raw",
    [head("X-Trace: 1", "X-Trace: 2", "Received: a", "Received: b"), head(body=b"x" * 998 + b"\r\n"), parts(500),
     head("Subject: a\r\n b").replace(b"\r\n", b"\n"), head(body=b"")],
    ids=["repeated", "line", "parts", "LF", "empty"],
)  # fmt: skip
def test_a_mail_within_the_limits_is_sent(sender: Sender, raw: bytes) -> None:
    assert sender.send(raw=raw)


@pytest.mark.parametrize(
    ("recipients", "message"),
    [([f"a{number}@example.net" for number in range(51)], "Recipient count exceeds 50."),
     (["you"], "Missing final '@domain'"), (["a b@example.net"], "Illegal address: a b@example.net")],
)  # fmt: skip
def test_recipients_that_ses_refuses(sender: Sender, recipients: list[str], message: str) -> None:
    answer = refusal(lambda: sender.send(*recipients))
    assert (answer.code, answer.message) == ("BadRequestException", message)


def test_a_mail_has_at_most_40_mb_in_base64_and_10_mb_over_version_1(sender: Sender, ses: Any) -> None:
    """Amazon SES service quotas, "Message quotas"."""
    line = b"x" * 98 + b"\r\n"
    small, large = head(body=line * 79_000), head(body=line * 320_000)
    assert refusal(ses.send_raw_email, RawMessage={"Data": small}, Destinations=["you@example.net"]).message == (
        "Message length is more than 10485760 bytes long: '10533400'."
    )
    assert sender.send(raw=small)
    assert refusal(sender.send, raw=large).message.startswith("Message length is more than 41943040 bytes long")


@pytest.mark.parametrize("field", ["From", "Sender", "Return-Path"])
def test_everybody_who_sends_must_be_verified(sender: Sender, ses: Any, field: str) -> None:
    raw = RAW.replace(b"From: Jo via example.com <hello@example.com>", f"{field}: eve@example.org".encode())
    raw = raw if field == "From" else b"From: hello@sub.example.com\r\n" + raw
    answer = refusal(sender.send, raw=raw)
    assert (answer.code, answer.status) == ("MessageRejected", 400)
    assert answer.message == (
        "Email address is not verified. The following identities failed the check in region EU-WEST-1: eve@example.org"
    )
    assert (
        refusal(ses.send_raw_email, RawMessage={"Data": raw}, Destinations=["a@example.net"]).code == "MessageRejected"
    )


def test_an_identity_that_is_no_longer_verified_cannot_send(sender: Sender) -> None:
    control(sender.emulator.url, "POST", "/_identities", {"identity": "example.com", "status": "Failed"})
    assert refusal(sender.send).code == "MessageRejected"


def test_a_configuration_set_must_exist(sender: Sender, ses: Any) -> None:
    """Also if only the header of the mail names it."""
    answer = refusal(sender.send, ConfigurationSetName="none")
    assert (answer.code, answer.status) == ("NotFoundException", 404)
    raw = b"X-SES-CONFIGURATION-SET: theirs\r\n" + RAW
    assert refusal(sender.send, raw=raw).message == "Configuration set <theirs> does not exist."
    answer = refusal(ses.send_raw_email, RawMessage={"Data": raw}, Destinations=["a@example.net"])
    assert (answer.code, answer.status) == ("ConfigurationSetDoesNotExist", 400)
