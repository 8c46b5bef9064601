"""Erasure of the rows of a deleted domain's mail."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from domains.deletion.proof import prove_deletions
from domains.deletion.received import BATCH
from domains.deletion.service import advance, resume_deletions
from domains.models import Domain, DomainDeletion
from inbound.tests.support.aws import fail_calls, store_mail, stored_keys
from inbound.tests.support.factories import DomainFactory, MessageFactory, ReceivedEmailFactory
from mail.erasure.task import run_erasures
from mail.models import MailCount, MailSweep, Message, ReceivedEmail
from mail.tests.erasure.mails import received, write_mails

pytestmark = pytest.mark.sqlite

MODELS = (Message, ReceivedEmail, MailSweep, MailCount)
# More than two batches.
MAILS = 1_201


def delete(api, domain):
    answer = api.delete(f"/api/v2/domains/{domain.pk}")
    assert answer.status_code == 200
    return answer.json()


def counted(record):
    return record.erased_emails, record.erased_attachments, record.erased_email_bytes


def rows_of(domain):
    return {model.__name__: model.objects.filter(domain=domain.pk).count() for model in MODELS}


NONE = dict.fromkeys(("Message", "ReceivedEmail", "MailSweep", "MailCount"), 0)


def test_the_rows_of_mail_go_with_the_domain_and_others_stay(api, domain):
    other = DomainFactory()
    for it in (domain, other):
        email = received(it, attachment_count=2, size=700)
        ReceivedEmailFactory(message=email.message)
        MailSweep.objects.create(domain=it, due_at=timezone.now())
    before = rows_of(other)
    assert "warning" not in delete(api, domain)
    record = DomainDeletion.objects.get()
    assert (record.received_emails, record.stored_mail, counted(record)) == ("done", "done", (2, 2, 700))
    assert record.finished_at
    assert rows_of(domain) == NONE
    assert rows_of(other) == before
    assert stored_keys() == [Message.objects.get().key]


def test_mail_is_listed_no_more_as_soon_as_the_deletion_has_begun(domain):
    received(domain)
    Domain.objects.filter(pk=domain.pk).update(deleting_since=timezone.now())
    assert not Message.objects.live().exists()
    assert not ReceivedEmail.objects.live().exists()
    assert not MailCount.objects.live().exists()
    assert ReceivedEmail.objects.exists()


def test_each_row_is_counted_once_in_however_many_turns(domain):
    write_mails(domain, MAILS)
    store_mail(f"{domain.key_prefix}mail")
    Domain.objects.filter(pk=domain.pk).delete()
    emails = []
    while (record := DomainDeletion.objects.get()).received_emails == "owed":
        emails.append(record.erased_emails)
        advance(record, erase_seconds=0)
    assert emails == [0, BATCH, 2 * BATCH]
    assert counted(record) == (MAILS, 2 * MAILS, 1_000 * MAILS)
    assert rows_of(domain) == NONE
    # The objects go last.
    assert len(stored_keys()) == 1
    resume_deletions()
    record.refresh_from_db()
    assert (record.finished_at is not None, stored_keys()) == (True, [])


def test_one_turn_takes_as_many_batches_as_it_has_time_for(api, domain):
    write_mails(domain, MAILS)
    delete(api, domain)
    resume_deletions()
    record = DomainDeletion.objects.get()
    assert counted(record) == (MAILS, 2 * MAILS, 1_000 * MAILS)
    assert record.finished_at


def test_a_crash_takes_rows_and_counts_back_together(domain, monkeypatch):
    write_mails(domain, BATCH + 1)
    Domain.objects.filter(pk=domain.pk).delete()

    def crash(execute, sql, *query):
        answer = execute(sql, *query)
        if sql.startswith('DELETE FROM "mail_message"'):
            raise KeyboardInterrupt
        return answer

    for _ in range(2):
        with connection.execute_wrapper(crash), pytest.raises(KeyboardInterrupt):
            resume_deletions()
        assert Message.objects.count() == BATCH + 1
        assert DomainDeletion.objects.get().erased_emails == 0
    resume_deletions()
    assert DomainDeletion.objects.get().erased_emails == BATCH + 1


@pytest.mark.postgresql
def test_two_workers_count_no_row_twice(domain):
    write_mails(domain, MAILS)
    Domain.objects.filter(pk=domain.pk).delete()
    together = Barrier(2)

    def work(_):
        try:
            together.wait(timeout=30)
            return resume_deletions()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(work, range(2))) == [1, 1]
    assert counted(DomainDeletion.objects.get()) == (MAILS, 2 * MAILS, 1_000 * MAILS)
    assert not Message.objects.exists()


def test_the_answer_says_that_mail_is_still_to_be_erased(api, domain, settings):
    settings.SES_REQUEST_BUDGET = 0.0
    write_mails(domain, BATCH + 1)
    answer = delete(api, domain)
    assert "Stored mail is still to be erased." in answer["warning"]
    assert DomainDeletion.objects.get().erased_emails == BATCH


@pytest.mark.usefixtures("impatient")
def test_the_rows_go_while_ses_and_s3_fail(api, domain, ses):
    received(domain)
    fail_calls(ses)
    ses.add_faults({"service": "s3", "fault": "access_denied", "times": None})
    delete(api, domain)
    record = DomainDeletion.objects.get()
    assert record.pending_steps == ["identity", "stored_mail"] or record.pending_steps[-1] == "stored_mail"
    assert (record.received_emails, record.erased_emails, rows_of(domain)) == ("done", 1, NONE)


def test_mail_that_is_kept_in_s3_has_no_rows_any_more(api, domain, settings):
    settings.KEEP_MAIL_ON_DOMAIN_DELETE = True
    write_mails(domain, BATCH + 1)
    email = received(domain)
    Domain.objects.filter(pk=email.domain_id).delete()
    record = advance(DomainDeletion.objects.get(), erase_seconds=0)
    assert (record.stored_mail, record.pending_steps, record.finished_at) == ("kept", ["received_emails"], None)
    resume_deletions()
    record.refresh_from_db()
    assert (record.pending_steps, record.finished_at is not None) == ([], True)
    assert rows_of(domain) == NONE
    assert stored_keys() == [email.message.key]


def test_a_mail_that_was_to_be_erased_keeps_its_row_until_its_object_is_gone_although_others_are_kept(domain, settings):
    settings.KEEP_MAIL_ON_DOMAIN_DELETE = True
    kept, deleted = received(domain), received(domain)
    erase_marked = {"state": "erasing", "retry_at": timezone.now()}
    ReceivedEmail.objects.filter(pk=deleted.pk).delete()
    Message.objects.filter(pk=deleted.message_id).update(**erase_marked)
    Domain.objects.filter(pk=domain.pk).delete()
    resume_deletions()
    record = DomainDeletion.objects.get()
    assert (record.pending_steps, Message.objects.get()) == (["received_emails"], deleted.message)
    run_erasures()
    assert stored_keys() == [kept.message.key]
    resume_deletions()
    record.refresh_from_db()
    assert (record.pending_steps, counted(record)[0], rows_of(domain)) == ([], 1, NONE)


def test_a_domain_that_was_added_again_keeps_its_mail(api, domain, settings):
    settings.SES_REQUEST_BUDGET = 0.0
    write_mails(domain, BATCH + 1)
    delete(api, domain)
    again = api.post("/api/v2/domains", {"domain": "example.com"}).json()["id"]
    email = received(Domain.objects.get(pk=again))
    resume_deletions()
    assert DomainDeletion.objects.get().received_emails == "done"
    assert ReceivedEmail.objects.get() == email
    assert stored_keys() == [email.message.key]


def test_the_verification_finds_rows_that_came_back(gone):
    """Restored from a backup, for example."""
    ghost = Domain(pk=gone.domain_id, name=gone.name, owner=gone.owner)
    ReceivedEmailFactory(message=MessageFactory(domain=ghost))
    prove_deletions()
    gone.refresh_from_db()
    assert gone.proof["found"] == ["mail in the database: 1", "count of mail in the database: 3"]
    assert (gone.pending_steps, gone.finished_at, gone.proved_at) == (["received_emails"], None, None)
    resume_deletions()
    prove_deletions()
    gone.refresh_from_db()
    assert (gone.erased_emails, gone.pending_steps, gone.proof["receivedEmails"]) == (1, [], True)
    assert gone.proved_at
    assert rows_of(ghost) == NONE


def test_mail_of_a_domain_that_was_restored_with_it_is_no_remnant(gone):
    restored = DomainFactory(pk=gone.domain_id, name="restored.example.com", owner=gone.owner)
    MessageFactory(domain=restored)
    prove_deletions()
    gone.refresh_from_db()
    assert (gone.received_emails, Message.objects.count()) == ("done", 1)


def test_the_second_verification_looks_at_the_rows_again(gone):
    prove_deletions()
    DomainDeletion.objects.update(look_again_at=timezone.now() - timedelta(seconds=1))
    MessageFactory(domain=Domain(pk=gone.domain_id, name=gone.name, owner=gone.owner))
    prove_deletions()
    gone.refresh_from_db()
    assert gone.pending_steps == ["received_emails"]
