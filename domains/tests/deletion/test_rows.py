"""Who deletes the rows and the stored mail of a domain: the request, the worker, or another way to delete."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.db.models.signals import post_delete, pre_delete
from django.utils import timezone

from addresses.models import BlockedEmail, DeletedAddress, EmailAddress
from archives.models import Export, Import
from domains.deletion.service import delete_domain, resume_deletions
from domains.lifecycle.register import add_domain
from domains.models import DnsRecord, Domain, DomainAccess, DomainDeletion, StatusChange, Step
from inbound.tests.support.aws import store_mail, stored_keys
from inbound.tests.support.factories import EmailAddressFactory
from mail.models import MailCount, MailSweep, Message, ReceivedEmail
from ses_integration.models import DomainSync

pytestmark = pytest.mark.sqlite


def test_rows_deleted_in_another_way_finish_the_rows_step(domain):
    Domain.objects.filter(pk=domain.pk).update(deleting_since=timezone.now())
    DomainDeletion.objects.create(domain_id=domain.pk, name=domain.name, owner=domain.owner)
    EmailAddress.objects.bulk_create([EmailAddress(domain=domain, address="a@example.com", slot=1)])
    Domain.objects.filter(pk=domain.pk).delete()
    record = DomainDeletion.objects.get()
    assert (record.rows, record.email_addresses) == ("done", 1)


def test_the_worker_leaves_the_rows_of_a_new_deletion_to_its_request(domain, ses):
    Domain.objects.filter(pk=domain.pk).update(deleting_since=timezone.now())
    DomainDeletion.objects.create(domain_id=domain.pk, name=domain.name, owner=domain.owner)
    assert resume_deletions(request_seconds=60) == 0
    assert Domain.objects.exists()
    assert resume_deletions() == 1
    assert not Domain.objects.exists()


def test_the_worker_leaves_a_new_deletion_to_its_request_between_any_two_transactions(api, domain):
    EmailAddress.objects.create(domain=domain, address="a@example.com", slot=1)
    store_mail(f"{domain.key_prefix}mail")
    resumed, working = [], []

    def work():
        if not working:
            working.append(True)
            resumed.append(resume_deletions(request_seconds=60))
            working.clear()

    def let_worker_follow(execute, *query):
        if connection.in_atomic_block and not any(hook[1] is work for hook in connection.run_on_commit):
            transaction.on_commit(work)
        return execute(*query)

    with connection.execute_wrapper(let_worker_follow):
        answer = api.delete(f"/api/v2/domains/{domain.pk}")

    assert set(resumed) == {0}
    assert "warning" not in answer.json()
    assert DomainDeletion.objects.get().finished_at
    assert stored_keys() == []


def test_deleting_the_rows_is_no_change_for_ses(domain, ses):
    """SES should hold nothing since `deleting_since` was set, so no second pass looks for work."""
    EmailAddressFactory(domain=domain)
    before = DomainSync.objects.get().generation
    delete_domain(domain=domain, requested_by="us")
    sync = DomainSync.objects.get()
    assert not Domain.objects.exists()
    assert (sync.generation, sync.observed_generation) == (before + 1, before + 1)


def test_no_other_row_refers_to_those_that_are_deleted_without_cascades():
    deleted = {Domain, DnsRecord, StatusChange, DomainAccess, EmailAddress, DeletedAddress, BlockedEmail}
    relations = [field for model in deleted for field in model._meta.get_fields(include_hidden=True)]
    referring = {field.related_model for field in relations if field.auto_created and not field.concrete}
    # Rows of mail have no constraint. Their own step erases them. Those of exports and imports have none either.
    assert referring == (deleted - {Domain}) | {Message, ReceivedEmail, MailCount, MailSweep, Export, Import}


def test_nobody_listens_to_deletions_that_send_no_signal():
    """Only the receivers that mark the name and write the report, which the service does itself."""
    listening = {
        (signal, model)
        for signal in (pre_delete, post_delete)
        for model in (Domain, DnsRecord, StatusChange, DomainAccess, EmailAddress, DeletedAddress, BlockedEmail)
        if signal.has_listeners(model)
    }
    assert listening == {(pre_delete, Domain), (post_delete, Domain), (post_delete, EmailAddress)}


def test_domain_without_a_report_gets_one_when_its_name_is_added_again(domain, ses, user):
    store_mail(f"{domain.key_prefix}mail")
    Domain.objects.update(deleting_since=timezone.now())
    add_domain(owner=user, name=domain.name)
    record = DomainDeletion.objects.get()
    assert (record.domain_id, record.rows) == (domain.pk, Step.DONE)
