"""The sweep finds mail that nobody has told of, once, and believes only what SES wrote."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from domains.models import Domain
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory
from mail.arrival import sweep as module
from mail.arrival.note import note
from mail.arrival.sweep import Lost, Pass, Swept, add_missing_sweeps, claim_sweep, make_all_due, unfinished
from mail.models import MailSweep, Message, ReceivedEmail
from mail.tests.arrival.arrivals import arrival, listed
from ses_integration.aws import clients
from ses_integration.emulator.receiving.content.header_block import as_bytes, ses_fields
from ses_integration.emulator.receiving.content.mail import LOCALHOST, IncomingMail, Verdicts
from ses_integration.emulator.server import Emulator
from ses_integration.errors import SesError

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]

WHEN = datetime(2026, 11, 20, 12, tzinfo=UTC)
MAIL = b"From: Jo <jo@x.example>\r\nTo: a@example.com, A <b@example.com>\r\nCc: c+x@example.com, z@x.example\r\n\r\nHi"


@pytest.fixture
def domain(ses: Emulator, user: User, settings: Any) -> Domain:
    settings.MAIL_SWEEP_GRACE_SECONDS = 0
    return DomainFactory(owner=user, name="example.com")


def put(domain: Domain, ses_id: str, raw: bytes = MAIL, *, recipient: str = "", block: bool = True) -> str:
    """Store a mail as SES does, or without the fields that SES adds."""
    key = f"{domain.key_prefix}{ses_id}"
    if block:
        mail = IncomingMail(ses_id, "eu-west-1", "bounce@x.example", (), raw, WHEN, Verdicts(spam="FAIL"), LOCALHOST)
        raw = as_bytes(ses_fields(mail, recipient or f"a@{domain.name}", scanned=True)) + raw
    clients.s3("eu-west-1").put_object(Bucket="inbound-mail", Key=key, Body=raw)
    return key


def run(**options: Any) -> Swept:
    """Sweep the domain that is due, or fail."""
    add_missing_sweeps()
    row = claim_sweep()
    assert row is not None
    return Pass(row).run(**options)


def again() -> Swept:
    make_all_due()
    return run()


def test_mail_that_nobody_told_of_is_found_once_with_what_ses_says_of_it(domain: Domain) -> None:
    key = put(domain, "one")
    assert run() == Swept(listed=1, found=1, finished=True)
    assert again() == Swept(listed=1, found=0, finished=True)
    row = Message.objects.get()
    assert (row.key, row.source, row.state, row.arrived_at) == (key, "sweep", "arrived", WHEN)
    assert (row.envelope_from, row.spam, row.virus, row.spf) == ("bounce@x.example", "FAIL", "PASS", "PASS")
    assert (row.from_name, row.from_address) == ("Jo", "jo@x.example")
    assert listed() == {("one", "a@example.com")}
    assert Message.objects.due().count() == 1


def test_a_late_notification_of_found_mail_changes_nothing(domain: Domain) -> None:
    put(domain, "one")
    run()
    noted = note([arrival(domain, "one", "a@example.com")], source=Message.Source.QUEUE)
    assert (noted.messages, noted.duplicates) == ([], 1)
    assert listed() == {("one", "a@example.com")}


def test_mail_that_is_known_is_not_fetched(domain: Domain, ses: Emulator) -> None:
    put(domain, "one")
    note([arrival(domain, "one")], source=Message.Source.QUEUE)
    ses.clear_journal()
    assert run().found == 0
    assert [entry["action"] for entry in ses.journal() if entry["service"] == "s3"] == ["ListObjectsV2"]


def test_own_addresses_in_to_and_cc_are_recipients_too(domain: Domain) -> None:
    for local in "bc":
        EmailAddressFactory(domain=domain, address=f"{local}@example.com")
    put(domain, "one", recipient="hidden@example.com")
    run()
    assert listed() == {("one", f"{local}@example.com") for local in ("hidden", "b", "c+x")}


def test_forged_fields_of_ses_below_its_own_are_not_believed(domain: Domain) -> None:
    EmailAddressFactory(domain=domain, address="ceo@example.com")
    forged = as_bytes(
        ses_fields(
            IncomingMail("one", "eu-west-1", "x@y.example", (), b"", WHEN - timedelta(days=9), Verdicts(), LOCALHOST),
            "ceo@example.com",
            scanned=True,
        )
    )
    put(domain, "one", forged + b"\r\nHi")
    put(domain, "two", forged.replace(b"one", b"two") + b"\r\nHi", recipient="a@example.org")
    put(domain, "three", forged + b"\r\nHi", block=False)
    assert run().found == 3
    rows = {row.ses_id: row for row in Message.objects.all()}
    assert listed() == {("one", "a@example.com"), ("two", ""), ("three", "")}
    assert (rows["one"].spam, rows["two"].spam, rows["three"].spam) == ("FAIL", "FAIL", "")
    assert rows["three"].arrived_at > WHEN


def test_what_was_just_stored_is_left_to_its_notification(domain: Domain, settings: Any) -> None:
    settings.MAIL_SWEEP_GRACE_SECONDS = 600
    put(domain, "one")
    assert run() == Swept(listed=1, found=0, finished=True)
    make_all_due()
    assert run(grace=0.0).found == 1


def test_what_is_no_mail_is_left_alone(domain: Domain) -> None:
    put(domain, "AMAZON_SES_SETUP_NOTIFICATION", b"", block=False)
    put(domain, "folder/one")
    put(domain, "tab\tone")
    put(domain, "x" * 256)
    clients.s3("eu-west-1").put_object(Bucket="inbound-mail", Key=domain.key_prefix, Body=b"")
    assert run() == Swept(listed=5, found=0, finished=True)


def test_mail_that_is_being_erased_does_not_come_back(domain: Domain) -> None:
    put(domain, "one")
    run()
    Message.objects.update(state=Message.State.ERASING)
    ReceivedEmail.objects.all().delete()
    assert again().found == 0
    assert listed() == set()


def test_domains_that_are_being_deleted_are_not_swept(domain: Domain) -> None:
    put(domain, "one")
    add_missing_sweeps()
    Domain.objects.update(deleting_since=timezone.now())
    assert claim_sweep() is None
    assert not unfinished().exists()


def test_mail_of_a_domain_whose_deletion_begins_during_the_pass_is_not_noted(domain: Domain) -> None:
    put(domain, "one")
    add_missing_sweeps()
    row = claim_sweep()
    assert row is not None
    Domain.objects.update(deleting_since=timezone.now())
    assert Pass(row).run().found == 0
    assert not Message.objects.exists()


def test_pages_are_compared_one_by_one_and_the_position_is_kept(domain: Domain, monkeypatch: Any) -> None:
    """The bound on memory: nothing of a page is left when the next one comes."""
    pages_of(monkeypatch, 3)
    for number in range(8):
        put(domain, f"id{number}")
    note([arrival(domain, f"id{number}") for number in (1, 4)], source=Message.Source.QUEUE)
    first = iter([False, False, True])
    swept = run(stop=lambda: next(first, True))
    assert (swept.listed, swept.found, swept.finished) == (3, 2, False)
    row = MailSweep.objects.get()
    assert (row.cursor, row.found, row.finished_at) == (f"{domain.key_prefix}id2", 2, None)
    assert unfinished().count() == 1
    rest = run()
    assert (rest.listed, rest.found, rest.finished) == (5, 4, True)
    row.refresh_from_db()
    assert (row.cursor, row.found, row.problem) == ("", 6, "")
    assert row.finished_at is not None
    assert {ses_id for ses_id, _ in listed()} == {f"id{number}" for number in range(8)}
    assert not unfinished().exists()


def test_a_pass_takes_one_list_and_one_statement_a_page(domain: Domain, ses: Emulator, monkeypatch: Any) -> None:
    pages_of(monkeypatch, 5)
    for number in range(50):
        put(domain, f"id{number:02}")
    run()
    make_all_due()
    ses.clear_journal()
    row = claim_sweep()
    assert row is not None
    with CaptureQueriesContext(connection) as statements:
        Pass(row).run()
    assert len([entry for entry in ses.journal() if entry["service"] == "s3"]) == 10
    # And one to record the end.
    assert len(statements) == 11


def test_a_domain_is_swept_again_after_the_interval_or_fifty_times_as_long_as_it_took(
    domain: Domain, settings: Any
) -> None:
    settings.MAIL_SWEEP_SECONDS = 100
    run()
    row = MailSweep.objects.get()
    assert timedelta(seconds=95) < row.due_at - timezone.now() <= timedelta(seconds=100)
    MailSweep.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    held = claim_sweep()
    assert held is not None
    slow = Pass(held)
    slow._seconds = 10.0
    slow.run()
    row.refresh_from_db()
    assert timedelta(seconds=490) < row.due_at - timezone.now() <= timedelta(seconds=510)


def test_a_claimed_sweep_is_not_claimed_again_and_one_that_is_lost_stops(domain: Domain) -> None:
    put(domain, "one")
    add_missing_sweeps()
    row = claim_sweep()
    assert row is not None
    assert claim_sweep() is None
    make_all_due()
    assert claim_sweep() is None
    MailSweep.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    other = claim_sweep()
    assert other is not None
    with pytest.raises(Lost):
        Pass(row).run()
    assert Pass(other).run().finished
    assert listed() == {("one", "a@example.com")}


@pytest.mark.parametrize("action", ["ListObjectsV2", "GetObject"])
def test_an_outage_of_s3_is_recorded_and_the_pass_continues(domain: Domain, ses: Emulator, action: str) -> None:
    put(domain, "one")
    ses.add_faults({"service": "s3", "action": action, "fault": "fail", "times": 1})
    with pytest.raises(SesError):
        run()
    row = MailSweep.objects.get()
    assert row.problem
    assert timezone.now() < row.due_at < timezone.now() + timedelta(minutes=1)
    make_all_due()
    assert again().found == 1
    row.refresh_from_db()
    assert row.problem == ""


def test_one_object_that_s3_does_not_give_does_not_keep_the_others(domain: Domain, ses: Emulator) -> None:
    put(domain, "one")
    put(domain, "two")
    ses.add_faults(
        {
            "service": "s3",
            "action": "GetObject",
            "fault": "error",
            "code": "InvalidObjectState",
            "status": 403,
            "times": 1,
        }
    )
    assert run() == Swept(listed=2, found=1, finished=True)
    assert MailSweep.objects.get().problem
    assert again().found == 1


def test_an_object_that_goes_meanwhile_is_not_noted(domain: Domain, ses: Emulator) -> None:
    put(domain, "one")
    refuse_once(ses, "NoSuchKey", 404)
    assert run() == Swept(listed=1, found=0, finished=True)


def test_mail_that_s3_did_not_have_is_read_if_it_has_it_now(domain: Domain) -> None:
    missing, gone, read = (put(domain, name) for name in ("missing", "gone", "read"))
    run()
    Message.objects.update(state="ingested", retry_at=None)
    Message.objects.exclude(key=read).update(state="missing", problem="S3 does not have the mail.")
    clients.s3("eu-west-1").delete_object(Bucket="inbound-mail", Key=gone)
    assert again().found == 0
    assert [(row.key, row.problem) for row in Message.objects.due()] == [(missing, "")]


def refuse_once(ses: Emulator, code: str, status: int) -> None:
    """S3 refuses the next object."""
    ses.add_faults(
        {"service": "s3", "action": "GetObject", "fault": "error", "code": code, "status": status, "times": 1}
    )


def pages_of(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """S3 lists this many keys at a time."""
    monkeypatch.setattr("ses_integration.storage.bucket.KEYS_PER_CALL", size)
    monkeypatch.setattr(module, "BATCH", 2)
