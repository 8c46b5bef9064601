"""A mail is fetched, parsed, stored and routed; what its row says comes from the mail itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from domains.models import Domain
from inbound.tests.support.factories import EmailAddressFactory, EndpointFactory
from mail.ingest.claims import claim_due, claim_length, release
from mail.ingest.columns import sent_at
from mail.ingest.ingest import Outcome, ingest
from mail.ingest.room import Room
from mail.models import Delivery, Message
from mail.tests.ingest.conftest import claim_now

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
FULL = (
    b"From: =?utf-8?q?J=C3=B6?= <jo@example.net>\r\nTo: hello@example.com\r\nSubject: =?utf-8?q?H=C3=A4?=\r\n"
    b"Message-ID: <1@example.net>\r\nIn-Reply-To: <0@example.net>\r\nDate: Thu, 26 Nov 2026 11:59:00 +0000\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nHi!\r\n"
    b"--b\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename=a.csv\r\n\r\n1,2\r\n--b--\r\n"
)


def test_the_row_says_what_the_mail_says(arrived, attempt) -> None:
    arrived(FULL, at=NOON)
    outcome, row = attempt()
    assert (outcome, row.state, row.retry_at, row.problem) == (Outcome.INGESTED, "ingested", None, "")
    assert (row.subject, row.from_name, row.from_address) == ("Hä", "Jö", "jo@example.net")
    assert (row.rfc_id, row.in_reply_to) == ("<1@example.net>", "<0@example.net>")
    assert (row.text.strip(), row.preview, row.size) == ("Hi!", "Hi!", len(FULL))
    assert (row.sent_at, row.parse_error, row.truncated) == (NOON - timedelta(minutes=1), "", [])
    assert [(it["index"], it["filename"], it["content_type"]) for it in row.attachments] == [(0, "a.csv", "text/csv")]
    assert (row.attachment_count, row.attempts) == (1, 1)
    assert row.ingested_at
    assert row.parse_seconds


def test_what_a_mail_does_not_say_is_left_as_the_notification_said_it(arrived, attempt) -> None:
    arrived(b"X: y\r\n\r\nHi!")
    _, row = attempt()
    assert (row.subject, row.from_name, row.from_address, row.sent_at) == ("Told", "Told", "told@x.example", None)


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"\0" * 1000, b"\xff" * 1000, b"Subject: \xff\0\r\n\r\n\xff\0"])
def test_whatever_is_in_the_bucket_is_ingested(arrived, attempt, raw: bytes) -> None:
    arrived(raw)
    outcome, row = attempt()
    assert (outcome, row.state, row.size) == (Outcome.INGESTED, "ingested", len(raw))


@pytest.mark.parametrize(
    ("date", "believed"),
    [
        ("2026-11-26T12:00:00+00:00", True),
        ("2026-10-27T12:00:00+00:00", True),
        ("2026-10-27T11:59:59+00:00", False),
        ("2026-11-27T12:00:00+00:00", True),
        ("2026-11-27T12:00:01+00:00", False),
        ("2038-01-19T03:14:08+00:00", False),
        ("0001-01-01T00:00:00+14:00", False),
        ("9999-12-31T23:59:59-12:00", False),
        ("2026-11-26T12:00:00", False),
        ("yesterday", False),
        ("", False),
        (None, False),
    ],
)
def test_the_date_header_is_believed_near_the_arrival(date: str | None, believed: bool) -> None:
    assert (sent_at(date, NOON) is not None) == believed


def test_a_mail_takes_five_statements_after_its_claim(arrived, parser, domain) -> None:
    """What was read, its references, the facts of the route, the delivery, and the decision."""
    EmailAddressFactory(domain=domain, address="hello@example.com", endpoint=EndpointFactory(owner=domain.owner))
    arrived()
    claim = claim_now()
    with CaptureQueriesContext(connection) as statements:
        ingest(claim, parser, Room(2))
    assert len([it for it in statements if it["sql"] not in ("BEGIN", "BEGIN IMMEDIATE", "COMMIT")]) == 5
    assert Delivery.objects.count() == 1


def test_ten_due_mails_are_claimed_in_two_statements(arrived) -> None:
    for number in range(12):
        arrived(ses_id=f"id{number}")
    with CaptureQueriesContext(connection) as statements:
        claims = claim_due(10)
    assert len(claims) == 10
    assert len([it for it in statements if it["sql"] not in ("BEGIN", "BEGIN IMMEDIATE", "COMMIT")]) == 2
    assert len(claim_due(10)) == 2
    assert claim_due(10) == []


def test_a_released_claim_is_due_at_once(arrived) -> None:
    arrived()
    (claim,) = claim_due(1)
    release([claim])
    (again,) = claim_due(1)
    assert (again.pk, again.attempts) == (claim.pk, 2)


def test_a_claim_is_longer_than_the_work_that_it_allows(settings) -> None:
    settings.MAIL_PARSE_SECONDS = 60
    assert claim_length() > timedelta(seconds=60 + 60 + 2 * 60)


def test_only_the_latest_claim_stores_its_result(arrived, parser) -> None:
    arrived()
    paused = claim_now()
    other = claim_now()
    assert ingest(other, parser, Room(2)) == (Outcome.INGESTED, None)
    Message.objects.update(subject="stored by the other")
    assert ingest(paused, parser, Room(2)) == (Outcome.TAKEN, None)
    assert Message.objects.get().subject == "stored by the other"


def test_mail_that_is_being_erased_stays_blank(arrived, parser) -> None:
    arrived()
    claim = claim_now()
    Message.objects.update(state=Message.State.ERASING, subject="")
    assert ingest(claim, parser, Room(2)) == (Outcome.TAKEN, None)
    row = Message.objects.get()
    assert (row.state, row.subject, row.text) == ("erasing", "", "")


def test_mail_of_a_domain_that_is_being_deleted_is_not_claimed(arrived, domain: Domain) -> None:
    arrived()
    Domain.objects.update(deleting_since=NOON)
    assert claim_due(10) == []
