"""The mail worker imports the mail of an uploaded archive, and erases the archive."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from archives.imports.refusals import CannotImport
from archives.models import Import
from archives.tests.format.reading.making import Making
from archives.tests.imports.rows import everything
from archives.tests.uploads.uploading import contents, make_due, numbered, start, with_mails
from archives.uploads.start import AGAIN, ImportRunning
from archives.uploads.task import run_imports
from audit.models import Change
from domains.models import Domain
from inbound.tests.support.aws import stored_keys
from mail.models import Delivery, Message, ReceivedEmail
from mail.tests.postbox import work
from ses_integration.api import NotConfigured

THREE_FOLDERS = with_mails(3, 2, 1)
MAILS = {f"ses{number}": f"Subject: {number}\r\n\r\nHello".encode() for number in range(1, 7)}


def test_the_configuration_is_there_at_once_and_the_mail_comes_later(user):
    row = start(user, THREE_FOLDERS)
    assert (row.state, row.status, row.mails, row.created["addresses"]) == ("pending", "pending", 6, 2)
    domain = Domain.objects.get()
    assert contents(domain) == {f"imports/{row.pk}.zip": THREE_FOLDERS}
    assert run_imports() == 1
    row.refresh_from_db()
    assert (row.state, row.stored, row.existing, row.missing, row.problem) == ("done", 6, 0, 0, "")
    assert row.finished_at is not None
    # The archive is erased.
    assert contents(domain) == MAILS
    work(sweep=True)
    assert set(Message.objects.values_list("state", "source")) == {("ingested", "import")}
    assert {email.route["reason"] for email in ReceivedEmail.objects.all()} == {"history"}
    assert not Delivery.objects.exists()
    log = Change.objects.filter(action="imported").order_by("pk")
    assert [change.after.get("mails") for change in log] == [None, 6]
    assert log[1].after["importId"] == row.pk


def test_without_mail_it_is_done_and_nothing_is_stored(user):
    row = start(user, THREE_FOLDERS, with_mail=False)
    assert (row.state, row.with_mail, row.mails) == ("done", False, 0)
    assert row.ids["domain"] == {"indm_1": Domain.objects.get().pk}
    assert run_imports() == 0
    assert stored_keys() == []


def test_an_archive_without_mail_is_done_at_once(user):
    assert start(user, with_mails()).state == "done"
    assert stored_keys() == []


def test_without_a_bucket_no_mail_is_imported_and_nothing_changes(user, settings):
    settings.S3_BUCKET_NAME = ""
    rows = everything()
    with pytest.raises(NotConfigured):
        start(user, THREE_FOLDERS)
    assert everything() == rows


def test_mail_is_added_to_a_domain_that_the_owner_has(user):
    start(user, with_mails(2))
    run_imports()
    row = start(user, THREE_FOLDERS)
    assert (row.existed, row.created, row.ids) == (True, {}, {})
    with pytest.raises(ImportRunning) as running:
        start(user, THREE_FOLDERS)
    assert running.value.row.pk == row.pk
    run_imports()
    row.refresh_from_db()
    assert (row.state, row.stored, row.existing) == ("done", 4, 2)
    assert contents(Domain.objects.get()) == MAILS


def test_without_mail_a_domain_that_the_owner_has_is_refused(user):
    start(user, THREE_FOLDERS, with_mail=False)
    with pytest.raises(CannotImport, match=r"has example\.com already"):
        start(user, THREE_FOLDERS, with_mail=False)
    assert Import.objects.count() == 1


def test_another_turn_goes_on_with_the_next_batch_and_reads_no_mail_again(user, small_batches, ses):
    start(user, THREE_FOLDERS)
    places = []
    while not places or places[-1][0] != "done":
        run_imports(seconds=0)
        places.append(Import.objects.values_list("state", "folder", "line", "stored").get())
    assert places == [
        ("running", 1, 2, 2),
        ("running", 2, 1, 4),
        ("running", 3, 1, 6),
        ("erasing", 3, 1, 6),
        ("done", 3, 1, 6),
    ]
    assert [entry["action"] for entry in ses.journal()].count("PutObject") == 1 + 6


def test_a_process_without_its_claim_stores_nothing_more(user, small_batches):
    start(user, THREE_FOLDERS)

    def stop() -> bool:
        if Import.objects.filter(line__gt=0).exists():
            Import.objects.update(attempts=F("attempts") + 1)
        return False

    assert run_imports(stop) == 0
    assert Import.objects.get().stored == 2


def test_mails_that_the_archive_does_not_have_are_counted(user):
    start(user, Making(mail=numbered()).bytes())
    run_imports()
    assert Import.objects.values_list("state", "stored", "missing").get() == ("done", 3, 1)


def test_an_archive_that_somebody_has_replaced_is_not_read(user):
    row = start(user, THREE_FOLDERS)
    row.archive.store(io.BytesIO(with_mails(1)))
    run_imports()
    row.refresh_from_db()
    assert (row.state, row.stored) == ("failed", 0)
    assert row.problem == f"The archive in the bucket is not the one that was stored there. {AGAIN}"
    assert stored_keys() == []


def test_an_archive_that_is_gone_fails(user):
    row = start(user, THREE_FOLDERS)
    row.archive.erase()
    run_imports()
    row.refresh_from_db()
    assert (row.state, row.problem) == ("failed", f"S3 does not have the object. {AGAIN}")


def test_what_s3_refuses_stalls_it_until_it_is_allowed(user, ses):
    start(user, THREE_FOLDERS)
    ses.add_faults({"service": "s3", "action": "PutObject", "fault": "access_denied", "times": None})
    run_imports()
    row = Import.objects.get()
    assert (row.state, row.stalled, row.stored) == ("running", True, 0)
    assert "s3:PutObject" in row.problem
    ses.clear_faults()
    make_due()
    run_imports()
    row.refresh_from_db()
    assert (row.state, row.stalled, row.problem, row.stored) == ("done", False, "", 6)


def test_a_day_without_progress_is_the_end(user, ses):
    start(user, THREE_FOLDERS)
    ses.add_faults({"service": "s3", "action": "GetObject", "fault": "access_denied", "times": None})
    # It has waited for a worker, which is nobody's failure.
    Import.objects.update(progressed_at=timezone.now() - timedelta(days=2))
    run_imports()
    assert Import.objects.get().state == "running"
    Import.objects.update(progressed_at=timezone.now() - timedelta(days=2))
    make_due()
    run_imports()
    row = Import.objects.get()
    assert (row.state, row.status) == ("failed", "failed")
    assert "s3:GetObject" in row.problem
    assert stored_keys() == []


@pytest.mark.parametrize("days", [0, 2])
def test_an_erasure_that_s3_refuses_is_tried_again_later_and_changes_no_outcome(user, ses, days):
    start(user, THREE_FOLDERS)
    ses.add_faults({"service": "s3", "action": "ListObjectVersions", "fault": "access_denied", "times": None})
    run_imports(seconds=5)
    for _ in range(2):
        Import.objects.update(progressed_at=timezone.now() - timedelta(days=days))
        make_due()
        run_imports(seconds=5)
        row = Import.objects.get()
        assert (row.state, row.status) == ("erasing", "done")
        assert row.retry_at > timezone.now()
    ses.clear_faults()
    make_due()
    run_imports()
    assert Import.objects.values_list("state", "problem").get() == ("done", "")
    assert not [key for key in stored_keys() if "/imports/" in key]


def test_an_archive_that_cannot_be_stored_leaves_the_domain_and_says_what_to_do(user, ses):
    ses.add_faults({"service": "s3", "action": "PutObject", "fault": "access_denied", "times": None})
    row = start(user, THREE_FOLDERS)
    assert (row.state, row.status) == ("erasing", "failed")
    assert row.problem.endswith(AGAIN)
    assert Domain.objects.exists()
    ses.clear_faults()
    # Its call may be under way until the claim ends.
    assert run_imports() == 0
    assert Import.objects.get().state == "erasing"
    make_due()
    run_imports()
    assert Import.objects.get().state == "failed"
    start(user, THREE_FOLDERS)
    assert run_imports() == 1


def test_what_became_of_an_import_is_forgotten_after_a_month(user):
    start(user, THREE_FOLDERS, with_mail=False)
    later = Import.objects.get().retry_at - timezone.now()
    assert timedelta(days=29) < later <= timedelta(days=30)
    Import.objects.update(retry_at=timezone.now() - timedelta(seconds=1))
    run_imports()
    assert not Import.objects.exists()
