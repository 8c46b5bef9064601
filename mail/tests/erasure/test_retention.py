"""MAIL_RETENTION_DAYS, and the task that erases marked mail."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from domains.models import Domain
from inbound.tests.support.aws import stored_keys
from inbound.tests.support.factories import DomainFactory
from mail.erasure import task
from mail.erasure.task import run_erasures
from mail.models import Message, ReceivedEmail
from mail.tests.erasure.mails import make_due, received, write_mails
from ses_integration.emulator.server import Emulator

pytestmark = pytest.mark.sqlite


@pytest.fixture
def thirty_days(settings: Any) -> None:
    settings.MAIL_RETENTION_DAYS = 30


def days_ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)


@pytest.mark.usefixtures("thirty_days")
def test_mail_goes_when_it_is_older_than_that(domain: Domain) -> None:
    other = DomainFactory()
    received(domain, arrived_at=days_ago(30.1))
    received(other, arrived_at=days_ago(300), state=Message.State.MISSING)
    received(other, arrived_at=days_ago(30.1), state=Message.State.ARRIVED)
    new = received(domain, arrived_at=days_ago(29.9))
    assert run_erasures() == 3
    assert stored_keys() == [new.message.key]
    assert ReceivedEmail.objects.get() == new
    make_due()
    assert run_erasures() == 0
    assert Message.objects.get() == new.message


@pytest.mark.usefixtures("thirty_days")
def test_a_machine_whose_clock_is_wrong_erases_nothing_that_is_new(domain: Domain, monkeypatch: Any) -> None:
    received(domain, arrived_at=days_ago(29.9))
    wrong = timezone.now() + timedelta(days=365)
    monkeypatch.setattr(timezone, "now", lambda: wrong)
    assert run_erasures() == 0


def test_without_the_setting_mail_stays(domain: Domain) -> None:
    email = received(domain, arrived_at=days_ago(10_000))
    assert run_erasures() == 0
    assert stored_keys() == [email.message.key]


@pytest.mark.usefixtures("thirty_days")
def test_no_row_goes_before_its_object(domain: Domain, ses: Emulator) -> None:
    """Otherwise the sweep would find the object, and the mail would be listed again."""
    emails = [received(domain, arrived_at=days_ago(40)) for _ in range(3)]
    ses.add_faults({"service": "s3", "action": "*", "fault": "error", "status": 503, "code": "SlowDown", "times": None})
    for attempts in (1, 2):
        make_due()
        assert run_erasures() == 0
        assert not ReceivedEmail.objects.exists()
        assert [*Message.objects.values_list("state", "attempts")] == [("erasing", attempts)] * 3
        assert stored_keys_without_faults(ses) == sorted(email.message.key for email in emails)
        ses.add_faults(
            {"service": "s3", "action": "*", "fault": "error", "status": 503, "code": "SlowDown", "times": None}
        )
    ses.clear_faults()
    make_due()
    assert run_erasures() == 3
    assert stored_keys() == []


def stored_keys_without_faults(ses: Emulator) -> list[str]:
    ses.clear_faults()
    return stored_keys()


@pytest.mark.usefixtures("thirty_days")
def test_mail_of_a_domain_that_is_being_deleted_is_left_to_its_deletion(domain: Domain, ses: Emulator) -> None:
    received(domain, arrived_at=days_ago(40))
    Domain.objects.filter(pk=domain.pk).update(deleting_since=timezone.now())
    ses.clear_journal()
    assert run_erasures() == 0
    assert ses.journal() == []
    assert Message.objects.get().state == Message.State.INGESTED


@pytest.mark.usefixtures("thirty_days")
def test_the_backlog_of_a_new_setting_is_marked_in_batches(domain: Domain, ses: Emulator, monkeypatch: Any) -> None:
    monkeypatch.setattr(task, "ROWS", 50)
    monkeypatch.setattr(task, "OBJECTS", 10)
    write_mails(domain, 121)
    Message.objects.update(arrived_at=days_ago(40))
    assert run_erasures() == 121
    assert not ReceivedEmail.objects.exists()
    make_due()
    run_erasures()
    assert not Message.objects.exists()


@pytest.mark.usefixtures("thirty_days")
def test_it_ends_when_the_worker_stops(domain: Domain) -> None:
    received(domain, arrived_at=days_ago(40))
    assert run_erasures(lambda: True) == 0
    assert run_erasures(seconds=0) == 0
    assert ReceivedEmail.objects.exists()


@pytest.mark.usefixtures("thirty_days")
def test_it_begins_with_no_other_object_after_the_worker_has_stopped(domain: Domain, ses: Emulator) -> None:
    """Python waits for the threads of a pool, and S3 may take seconds for each object."""
    for _ in range(3):
        received(domain, arrived_at=days_ago(40))
    ses.clear_journal()
    stopped = iter([False])
    assert run_erasures(lambda: next(stopped, True)) == 0
    assert [entry["action"] for entry in ses.journal()] == []
    make_due()
    assert run_erasures() == 3


def test_mail_that_another_process_has_claimed_is_left_to_it(domain: Domain, ses: Emulator) -> None:
    email = received(domain, state=Message.State.ERASING, retry_at=timezone.now() + timedelta(minutes=1))
    assert run_erasures() == 0
    assert stored_keys() == [email.message.key]


@pytest.mark.postgresql
@pytest.mark.usefixtures("thirty_days")
def test_two_workers_share_the_work(domain: Domain, ses: Emulator) -> None:
    for _ in range(150):
        received(domain, arrived_at=days_ago(40))
    ses.clear_journal()
    together = Barrier(2)

    def work(_: int) -> int:
        together.wait(timeout=30)
        try:
            return run_erasures()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        assert sum(threads.map(work, range(2))) == 150
    assert [entry["action"] for entry in ses.journal()].count("DeleteObjects") == 150
    assert stored_keys() == []
