"""S3 does not have the mail, does not answer, or answers something else: nothing is lost, and the row says why it waits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, BinaryIO

import pytest
from django.utils import timezone

from mail.ingest import ingest as module
from mail.ingest.ingest import Outcome, ingest
from mail.ingest.room import Room
from mail.models import Message
from mail.parsing.parsed import ParsedMail
from mail.parsing.pool import Parser
from mail.tests.ingest.conftest import claim_now
from mail.tests.parsing.test_process import SLOW
from ses_integration.aws import clients
from ses_integration.emulator.server import Emulator

pytestmark = [pytest.mark.sqlite_only, pytest.mark.django_db(transaction=True)]

FAULTS: list[dict[str, Any]] = [
    {"fault": "fail"},
    {"fault": "throttle"},
    {"fault": "access_denied"},
    {"fault": "error", "code": "SlowDown", "status": 503},
    {"fault": "error", "code": "InvalidObjectState", "status": 403},
    {"fault": "dropped"},
    {"fault": "cut_body"},
    {"fault": "lost"},
    {"fault": "page", "status": 502},
    {"fault": "error", "code": "NoSuchBucket", "status": 404},
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda it: it.get("code", it["fault"]))
def test_after_any_answer_but_the_mail_it_is_tried_again(
    ses: Emulator, arrived, attempt, fault: dict[str, Any]
) -> None:
    # Long ago: only an object that S3 does not have may be given up.
    arrived(at=timezone.now() - timedelta(days=2))
    ses.add_faults({"service": "s3", "action": "GetObject", "times": 1, **fault})
    outcome, row = attempt()
    assert (outcome, row.state) == (Outcome.POSTPONED, "arrived")
    assert row.problem
    assert row.retry_at > timezone.now()
    outcome, row = attempt()
    assert (outcome, row.subject, row.problem, row.attempts) == (Outcome.INGESTED, "Hello", "", 2)


def test_an_object_that_comes_late_is_waited_for(arrived, attempt) -> None:
    told = arrived(None, at=timezone.now() - timedelta(hours=3, minutes=59))
    for number in range(1, 4):
        outcome, row = attempt()
        assert (outcome, row.state, row.attempts) == (Outcome.POSTPONED, "arrived", number)
        assert row.retry_at - timezone.now() < timedelta(seconds=2**number)
    clients.s3("eu-west-1").put_object(Bucket=told.bucket, Key=told.key, Body=b"Subject: late\r\n\r\n")
    outcome, row = attempt()
    assert (outcome, row.state, row.subject) == (Outcome.INGESTED, "ingested", "late")


def test_an_object_that_never_comes_is_missing_after_four_hours_and_stays_listed(arrived, attempt) -> None:
    arrived(None, at=timezone.now() - timedelta(hours=4, minutes=1))
    outcome, row = attempt()
    assert (outcome, row.state, row.retry_at, row.ingested_at) == (Outcome.MISSING, "missing", None, None)
    assert (
        row.problem == "S3 does not have the mail: it may have been deleted from the bucket, or SES could not store it."
    )
    assert row.subject == "Told"
    assert row.received_emails.count() == 1
    assert not Message.objects.due().exists()


def test_the_delay_grows_to_a_quarter_of_an_hour(ses: Emulator, arrived, attempt) -> None:
    arrived()
    ses.add_faults({"service": "s3", "action": "GetObject", "fault": "fail", "times": None})
    Message.objects.update(attempts=20)
    _, row = attempt()
    assert timedelta(minutes=7) < row.retry_at - timezone.now() <= timedelta(minutes=15)


def test_a_mail_that_comes_slowly_is_read_unless_it_takes_too_long(
    ses: Emulator, arrived, attempt, monkeypatch: Any
) -> None:
    arrived(b"Subject: x\r\n\r\n" + b"x" * 1_000_000)
    ses.add_faults({"service": "s3", "action": "GetObject", "fault": "slow_body", "seconds": 1, "times": 2})
    monkeypatch.setattr(module, "FETCH_SECONDS", 0.1)
    outcome, row = attempt()
    assert (outcome, row.problem) == (Outcome.POSTPONED, "S3 took too long to send the mail.")
    monkeypatch.undo()
    outcome, row = attempt()
    assert (outcome, row.size) == (Outcome.INGESTED, 1_000_014)


def test_a_mail_that_takes_too_long_to_read_is_listed_with_its_headers_and_not_tried_again(arrived) -> None:
    arrived(SLOW)
    with Parser(seconds=1, megabytes=512) as impatient:
        outcome, _ = ingest(claim_now(), impatient, Room(2))
    row = Message.objects.get()
    assert (outcome, row.state, row.subject, row.retry_at) == (Outcome.INGESTED, "ingested", "Listed", None)
    assert row.parse_error == "It took longer than 1 s to read."


def test_what_the_database_refuses_is_listed_all_the_same(arrived) -> None:
    class ParserWithBug(Parser):
        def parse(self, file: BinaryIO) -> ParsedMail:
            return ParsedMail(text="\ud800")

    arrived()
    outcome, _ = ingest(claim_now(), ParserWithBug(seconds=1, megabytes=512), Room(2))
    row = Message.objects.get()
    assert (outcome, row.state, row.subject) == (Outcome.INGESTED, "ingested", "Told")
    assert row.parse_error == "The database refused what was read from the mail."
