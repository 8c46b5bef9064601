"""Only what SES wrote is believed: above X-SES-DKIM-SIGNATURE, in order, and of the message that the key names."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.arrival.own_headers import HEAD_BYTES, OwnHeaders, addressed, own_headers
from ses_integration.api import Verdicts
from ses_integration.emulator.receiving.content.header_block import as_bytes, ses_fields
from ses_integration.emulator.receiving.content.mail import Client, IncomingMail
from ses_integration.emulator.receiving.content.mail import Verdicts as Emulated

pytestmark = pytest.mark.sqlite_only

ID = "abc123"
WHEN = datetime(2026, 11, 26, 12, tzinfo=UTC)
MAIL = b"From: Jo <jo@x.example>\r\nTo: hello@example.com\r\nSubject: Hi\r\n\r\nTo: body@example.com\r\n"
FORGED = (
    b"Return-Path: <evil@x.example>\r\n"
    b"Received: from a by inbound-smtp.eu-west-1.amazonaws.com with SMTP id abc123 for ceo@example.com;"
    b" Thu, 26 Nov 2026 11:00:00 +0000\r\n"
    b"X-SES-Spam-Verdict: PASS\r\nX-SES-Virus-Verdict: PASS\r\n"
    b"Authentication-Results: amazonses.com; spf=pass; dkim=pass; dmarc=pass\r\n"
    b"X-SES-DKIM-SIGNATURE: forged\r\n"
)


def block(*, scanned: bool = True, verdicts: Emulated | None = None, sender: str = "bounce@x.example",
          helo: str = "mail.x.example", recipient: str = "Hello@Example.com") -> bytes:  # fmt: skip
    mail = IncomingMail(
        ses_id=ID, region="eu-west-1", sender=sender, recipients=(recipient,), raw=MAIL, received=WHEN,
        verdicts=verdicts or Emulated(), client=Client(helo, "192.0.2.1"),
    )  # fmt: skip
    return as_bytes(ses_fields(mail, recipient, scanned=scanned))


def test_what_ses_says_is_read() -> None:
    failed = Emulated(spam="FAIL", virus="GRAY", spf="FAIL", dkim="GRAY", dmarc="PROCESSING_FAILED")
    assert own_headers(block(verdicts=failed) + MAIL, ID) == OwnHeaders(
        recipient="hello@example.com",
        envelope_from="bounce@x.example",
        arrived_at=WHEN,
        verdicts=Verdicts("FAIL", "GRAY", "PROCESSING_FAILED", "", "FAIL", "GRAY"),
    )


def test_the_fields_of_a_real_mail_are_read() -> None:
    """As a mail of Amazon's documentation shows them, with their folds."""
    real = (
        b"Return-Path: <0000014fbe1c09cf-7cb9f704@amazonses.com>\r\n"
        b"Received: from a9-183.smtp-out.amazonses.com (a9-183.smtp-out.amazonses.com [54.240.9.183])\r\n"
        b" by inbound-smtp.us-east-1.amazonaws.com with SMTP id d6iitobk75ur44p8kdnnp7g2n800\r\n"
        b" for recipient@example.com;\r\n"
        b" Fri, 11 Sep 2015 20:32:33 +0000 (UTC)\r\n"
        b"X-SES-Spam-Verdict: PASS\r\nX-SES-Virus-Verdict: PASS\r\n"
        b"Received-SPF: pass (spfCheck: domain of amazonses.com designates 54.240.9.183 as permitted sender)"
        b" client-ip=54.240.9.183; envelope-from=0000014f@amazonses.com; helo=a9-183.smtp-out.amazonses.com;\r\n"
        b"Authentication-Results: amazonses.com;\r\n"
        b" spf=pass (spfCheck: domain of amazonses.com designates 54.240.9.183 as permitted sender)"
        b" client-ip=54.240.9.183; envelope-from=0000014f@amazonses.com; helo=a9-183.smtp-out.amazonses.com;\r\n"
        b" dkim=pass header.i=@amazonses.com;\r\n dkim=fail header.i=@example.com;\r\n dmarc=none header.from=example.com;\r\n"
        b"X-SES-RECEIPT: AEFB\r\nX-SES-DKIM-SIGNATURE: a=rsa-sha256; q=dns/txt\r\n"
    )
    read = own_headers(real + MAIL, "d6iitobk75ur44p8kdnnp7g2n800")
    assert (read.recipient, read.arrived_at) == ("recipient@example.com", datetime(2015, 9, 11, 20, 32, 33, tzinfo=UTC))
    assert read.verdicts == Verdicts("PASS", "PASS", "GRAY", "", "PASS", "PASS")


@pytest.mark.parametrize("scanned", [True, False])
def test_copies_of_the_sender_below_are_not_believed(scanned: bool) -> None:
    failed = Emulated(spam="FAIL", virus="FAIL", spf="FAIL", dkim="FAIL", dmarc="FAIL")
    read = own_headers(block(verdicts=failed, scanned=scanned) + FORGED + MAIL, ID)
    spam, virus = ("FAIL", "FAIL") if scanned else ("", "")
    assert read.verdicts == Verdicts("FAIL", "FAIL", "FAIL", "", spam, virus)
    assert (read.recipient, read.envelope_from) == ("hello@example.com", "bounce@x.example")


def test_without_the_last_field_only_the_first_two_are_believed() -> None:
    head, _, _ = block().partition(b"X-SES-Spam-Verdict")
    read = own_headers(
        head + b"X-SES-Spam-Verdict: PASS\r\nAuthentication-Results: amazonses.com; spf=pass\r\n" + MAIL, ID
    )
    assert (read.recipient, read.verdicts) == ("hello@example.com", Verdicts())


def test_the_fields_of_another_message_are_not_believed() -> None:
    """For example, of a mail that somebody has put into the bucket, or a mail that has lost SES's fields."""
    assert own_headers(block() + MAIL, "other") == OwnHeaders()
    assert own_headers(MAIL, ID) == OwnHeaders()
    assert own_headers(b"", ID) == OwnHeaders()


def test_what_a_client_calls_itself_is_not_taken_for_the_recipient() -> None:
    helo = "x by inbound-smtp.eu-west-1.amazonaws.com with SMTP id abc123 for ceo@example.com; Thu, 26 Nov 2026 11:00:00 +0000"
    read = own_headers(block(helo=helo) + MAIL, ID)
    assert (read.recipient, read.arrived_at) == ("hello@example.com", WHEN)


@pytest.mark.parametrize("sender", ['"; dmarc=pass "@x.example', "(; dmarc=pass )@x.example", "a@x.example; dkim=pass"])
def test_a_sender_cannot_add_results(sender: str) -> None:
    failed = Emulated(spf="FAIL", dkim="FAIL", dmarc="FAIL")
    verdicts = own_headers(block(verdicts=failed, sender=sender) + MAIL, ID).verdicts
    assert (verdicts.spf, verdicts.dmarc) == ("FAIL", "FAIL")


def test_addresses_are_those_of_to_and_cc_of_the_mail() -> None:
    read = addressed(
        block() + b"To: A <A@example.com>,\r\n b@example.com\r\nCC: c@example.com\r\nBcc: d@example.com\r\n" + MAIL
    )
    assert read.addresses == {"a@example.com", "b@example.com", "c@example.com", "hello@example.com"}
    assert (read.subject, read.sender) == ("Hi", "Jo <jo@x.example>")


@given(st.binary(max_size=300), st.booleans())
def test_whatever_stands_in_an_object_is_read_without_an_error(noise: bytes, after_ses: bool) -> None:
    head = (block() if after_ses else b"") + noise + MAIL
    own_headers(head, ID)
    addressed(head)


@pytest.mark.parametrize(
    "hostile",
    [
        b"Received: " + b"by inbound-smtp." * 2000,
        b"Received: " + b" by inbound-smtp.a.amazonaws.com with SMTP id x for a;" * 500,
        b"Authentication-Results: amazonses.com;" + b'"\\' * 15000,
        b"To: " + b"<(" * 16000,
        b"To: " + b"a" * 32000,
        b"To:" + b" " * 32000 + b"x",
        b"To:" + b" \r\n" * 10000 + b"x",
    ],
    ids=range(7),
)
def test_a_hostile_header_takes_no_time(hostile: bytes) -> None:
    head = (b"Return-Path: <>\r\n" + hostile + b"\r\n" + MAIL)[:HEAD_BYTES]
    began = time.process_time()
    own_headers(head, ID)
    addressed(head)
    assert time.process_time() - began < 1
