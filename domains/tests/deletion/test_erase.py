"""Erasing the stored mail of a deleted domain."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from domains.deletion.erase import claim_mail, erase_mail
from domains.deletion.received import erase_rows
from domains.deletion.record import update_ses_steps, updating
from domains.deletion.service import resume_deletions
from domains.models import Domain, DomainDeletion
from inbound.tests.support.aws import store_mail, stored_keys
from ses_integration.aws import clients
from ses_integration.storage import delete, erase

pytestmark = pytest.mark.sqlite


@pytest.fixture
def erasing(domain, ses, monkeypatch):
    """A deletion with five stored mails left, which are erased two at a time."""
    monkeypatch.setattr("ses_integration.storage.bucket.KEYS_PER_CALL", 2)
    for number in range(5):
        store_mail(f"{domain.key_prefix}{number}")
    Domain.objects.filter(pk=domain.pk).delete()
    record = DomainDeletion.objects.get(domain_id=domain.pk)
    with updating(record):
        update_ses_steps(record)
        erase_rows(record)
    assert record.pending_steps == ["stored_mail"]
    ses.clear_journal()
    return record


def claim_and_erase(record: DomainDeletion, *, seconds: float) -> None:
    with updating(record):
        assert claim_mail(record)
    erase_mail(record, seconds=seconds)


def test_only_one_process_erases_a_prefix(erasing, ses):
    DomainDeletion.objects.update(retry_at=timezone.now() + timedelta(minutes=1))
    with updating(erasing):
        assert not claim_mail(erasing)
    DomainDeletion.objects.update(retry_at=None)
    claim_and_erase(erasing, seconds=10)
    assert [entry["action"] for entry in ses.journal()] == [
        *["ListObjectVersions", "DeleteObjects"] * 3,
        "ListObjectVersions",
    ]
    assert (erasing.stored_mail, erasing.erased_versions, erasing.erased_bytes) == ("done", 5, 20)
    assert erasing.finished_at


def test_erasing_continues_where_it_stopped(erasing):
    counted = []
    while erasing.stored_mail == "owed":
        DomainDeletion.objects.update(retry_at=None)
        claim_and_erase(erasing, seconds=0)
        counted.append(erasing.erased_versions)
    assert counted == [2, 4, 5, 5]


def test_a_crash_between_answer_and_record_counts_nothing_twice(erasing):
    """Only the interrupted batch is missing in the count."""
    claim_and_erase(erasing, seconds=0)
    next(erase.erase_batches(erasing.key_prefix, seconds=10))
    DomainDeletion.objects.update(retry_at=None)
    claim_and_erase(erasing, seconds=10)
    assert (stored_keys(), erasing.stored_mail, erasing.erased_versions) == ([], "done", 3)


@pytest.mark.postgresql
def test_a_process_whose_claim_expired_during_a_pause_counts_nothing(erasing, ses):
    ses.add_faults({"service": "s3", "action": "DeleteObjects", "fault": "delay", "seconds": 2})

    def sleep() -> None:
        try:
            claim_and_erase(DomainDeletion.objects.get(), seconds=0)
        finally:
            connection.close()

    sleeper = threading.Thread(target=sleep)
    sleeper.start()
    # It claims the prefix before it lists it.
    while not DomainDeletion.objects.filter(retry_at__isnull=False).exists():
        pass
    DomainDeletion.objects.update(retry_at=None)  # a minute is over
    claim_and_erase(erasing, seconds=10)
    sleeper.join()
    erasing.refresh_from_db()
    assert (stored_keys(), erasing.stored_mail, erasing.erased_versions) == ([], "done", 5)


def test_versions_that_s3_keeps_are_reported_and_retried_later(erasing, ses):
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::inbound-mail/*3"}
    s3 = clients.s3("eu-west-1")
    s3.put_bucket_policy(Bucket="inbound-mail", Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    claim_and_erase(erasing, seconds=10)
    assert stored_keys() == [f"{erasing.key_prefix}3"]
    assert (erasing.stored_mail, erasing.erased_versions, erasing.kept_versions) == ("owed", 4, 1)
    assert erasing.problem.startswith("S3 keeps 1 stored objects (AccessDenied)")
    assert erasing.retry_at > timezone.now() + timedelta(minutes=10)
    ses.clear_journal()
    resume_deletions()
    assert ses.journal() == []
    s3.delete_bucket_policy(Bucket="inbound-mail")
    DomainDeletion.objects.update(retry_at=None)
    claim_and_erase(erasing, seconds=10)
    assert (erasing.stored_mail, erasing.erased_versions, erasing.kept_versions) == ("done", 5, 0)


def test_versions_that_s3_could_not_delete_just_now_are_retried_within_seconds(erasing, ses, monkeypatch):
    monkeypatch.setattr(delete, "PAUSES", ())
    ses.add_faults({"service": "s3", "fault": "refuse_keys", "code": "InternalError", "keys": ["3"], "times": None})
    claim_and_erase(erasing, seconds=10)
    assert (erasing.stored_mail, erasing.erased_versions, erasing.kept_versions) == ("owed", 4, 1)
    assert erasing.problem == "S3 could not delete 1 stored object just now (InternalError)."
    assert erasing.retry_at <= timezone.now() + timedelta(seconds=1)
    ses.clear_faults()
    DomainDeletion.objects.update(retry_at=None)
    claim_and_erase(erasing, seconds=10)
    assert (erasing.stored_mail, erasing.erased_versions, erasing.problem) == ("done", 5, "")


def test_the_position_after_a_key_that_no_json_column_can_hold_is_recorded(erasing, ses):
    store_mail(f"{erasing.key_prefix}\x00%00")
    ses.add_faults({"service": "s3", "action": "DeleteObject", "fault": "error", "code": "InvalidURI", "times": None})
    while not erasing.attempts:
        DomainDeletion.objects.update(retry_at=None)
        claim_and_erase(erasing, seconds=0)
        erasing.refresh_from_db()
    assert (erasing.stored_mail, erasing.erased_versions, erasing.kept_versions) == ("owed", 5, 1)
    assert r"\x00%00' (InvalidURI" in erasing.problem
