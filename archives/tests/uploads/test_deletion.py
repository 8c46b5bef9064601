"""The deletion of a domain ends the import of its mail, and nothing of it stays in the bucket."""

from __future__ import annotations

import pytest

from archives.claims import Lost, claim_next, let_go
from archives.models import Import
from archives.tests.uploads.uploading import contents, make_due, start, with_mails
from archives.uploads.job import work_on
from archives.uploads.task import run_imports
from domains.deletion.service import delete_domain, resume_deletions
from domains.grace.end import end_now
from domains.grace.restore import restore
from domains.models import Domain, DomainDeletion
from inbound.tests.support.aws import stored_keys
from mail.models import Message
from mail.tests.postbox import work

ARCHIVE = with_mails(3, 2, 1)


def delete() -> DomainDeletion:
    return delete_domain(domain=Domain.objects.get(), requested_by="jo")


def finish() -> DomainDeletion:
    """What the workers do until nothing is left."""
    for _ in range(3):
        resume_deletions()
        run_imports()
        work()
    resume_deletions()
    return DomainDeletion.objects.get()


def test_an_import_that_waits_is_ended_with_its_archive(user):
    start(user, ARCHIVE)
    assert delete().pending_steps == ["received_emails", "stored_mail"]
    assert finish().finished_at is not None
    assert (stored_keys(), Import.objects.count()) == ([], 0)


def test_it_goes_even_if_mail_is_kept(user, settings):
    settings.KEEP_MAIL_ON_DOMAIN_DELETE = True
    start(user, ARCHIVE)
    delete()
    assert finish().finished_at is not None
    assert (stored_keys(), Import.objects.count()) == ([], 0)


def test_an_import_whose_mail_is_half_there_is_ended(user, small_batches):
    start(user, ARCHIVE)
    run_imports(seconds=0)
    delete()
    assert finish().finished_at is not None
    assert (stored_keys(), Import.objects.count(), Message.objects.count()) == ([], 0, 0)


def test_a_process_that_was_paused_stores_nothing_after_the_deletion(user):
    start(user, ARCHIVE)
    row = claim_next(Import.objects.all())
    assert row is not None
    delete()
    # Until its claim ends, a call of it may be under way.
    assert finish().finished_at is None
    with pytest.raises(Lost):
        work_on(row, until=0, stop=lambda: False)
    let_go(row)
    assert finish().finished_at is not None
    assert stored_keys() == []


def test_a_domain_that_was_deleted_by_hand_leaves_no_archive(user):
    start(user, ARCHIVE)
    Domain.objects.get().delete()
    assert run_imports() == 0
    run_imports()
    assert (stored_keys(), Import.objects.count()) == ([], 0)


def test_in_a_grace_period_it_waits_and_goes_on_after_a_restore(user, settings, small_batches):
    settings.DOMAIN_DELETE_GRACE_DAYS = 7
    start(user, ARCHIVE)
    run_imports(seconds=0)
    deletion = delete()
    assert run_imports() == 0
    assert Import.objects.get().stored == 2
    restore(deletion, restored_by="jo")
    make_due()
    assert run_imports() == 1
    assert Import.objects.values_list("state", "stored", "existing").get() == ("done", 6, 0)
    assert len(contents(Domain.objects.get())) == 6


def test_after_a_grace_period_nothing_is_left(user, settings, small_batches):
    settings.DOMAIN_DELETE_GRACE_DAYS = 7
    start(user, ARCHIVE)
    run_imports(seconds=0)
    deletion = delete()
    run_imports()
    end_now(deletion)
    make_due()
    assert finish().finished_at is not None
    assert (stored_keys(), Import.objects.count(), Domain.objects.count()) == ([], 0, 0)
