"""A mail that is too large for SES: its members get a notice, once."""

from __future__ import annotations

from email import message_from_bytes

import pytest

from mail.tests.inbox import mail_with
from ses_integration.api import MOST_RAW_BYTES

pytestmark = pytest.mark.sqlite_only

ANN, BOB = "ann@example.net", "bob@example.net"
# In the bucket it is small: the size decides, and nothing is fetched.
LARGE = {
    "size": MOST_RAW_BYTES + 1,
    "subject": "Pläne",
    "from_name": "Jö",
    "attachments": [{"index": 0, "filename": "Pläne.pdf", "content_type": "application/pdf", "size": 30_000_000}],
}


def text_of(mail: bytes) -> str:
    return message_from_bytes(mail).get_payload(decode=True).decode()  # type: ignore[union-attr]


def test_the_notice_names_sender_subject_and_attachments(forwards_to):
    forwards = forwards_to(ANN, BOB)

    delivery = forwards.forward(**LARGE)

    assert forwards.reached() == [ANN, BOB]
    assert forwards.sent()[0]["headers"]["from"] == "=?utf-8?b?SsO2IHZpYSBleGFtcGxlLmNvbQ==?= <hello@example.com>"
    assert forwards.sent()[0]["headers"]["auto-submitted"] == "auto-generated"
    assert text_of(forwards.raw()).splitlines() == [
        "hello@example.com has received an email that is not forwarded. It is larger than SES can send.",
        "",
        "From: Jö <jo@example.net>",
        "Subject: Pläne",
        "Attachment: Pläne.pdf",
    ]
    assert delivery.state == "dead"
    assert delivery.problem == "It is larger than SES can send."
    why = "It is larger than SES can send. A notice was sent."
    assert [one["error"] for one in delivery.response["recipients"]] == [why, why]


def test_nobody_gets_a_second_notice(forwards_to):
    forwards = forwards_to(ANN, BOB)
    forwards.aws.add_faults({"action": "SendEmail", "fault": "throttle", "skip": 1})

    delivery = forwards.forward(**LARGE)
    assert (delivery.state, forwards.reached()) == ("due", [ANN])
    forwards.again()

    assert forwards.reached() == [ANN, BOB]


def test_without_notices_it_is_only_dead(forwards_to, settings):
    settings.FORWARD_NOTICES = False
    forwards = forwards_to(ANN)

    delivery = forwards.forward(**LARGE)

    assert not forwards.sent()
    assert (delivery.state, delivery.problem) == ("dead", "It is larger than SES can send.")


def test_without_its_attachments_it_fits(forwards_to):
    forwards = forwards_to(ANN, includeAttachments=False)
    raw = mail_with(("a.pdf", "application/pdf", b"x" * 23_000_000))
    assert len(raw) > MOST_RAW_BYTES

    delivery = forwards.forward(raw, size=len(raw))

    assert delivery.state == "delivered"
    assert forwards.sent()[0]["size"] < 5_000
