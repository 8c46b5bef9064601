"""SES follows the row of a domain, however it is written, and every deletion has a report."""

from __future__ import annotations

import contextlib

import pytest
from django.db import transaction
from django.db.models import ProtectedError
from django.db.models.signals import post_save
from django.utils import timezone

from addresses.models import EmailAddress
from domains.models import Domain, DomainDeletion
from inbound.tests.support.aws import (
    calls,
    fail_calls,
    identities,
    recover_and_run_worker,
    rules,
    store_mail,
    stored_keys,
)
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory
from ses_integration.models import DomainSync


class Undone(Exception):
    pass


def do_and_undo(change):
    """Roll back a transaction or a savepoint."""
    with contextlib.suppress(Undone), transaction.atomic():
        change()
        raise Undone


@pytest.fixture
def received(domain, ses):
    EmailAddressFactory(domain=domain, address="a@example.com")
    store_mail(f"{domain.key_prefix}mail")
    ses.clear_journal()
    return domain


def delete_one(domain):
    domain.delete()


def delete_queryset(domain):
    Domain.objects.filter(pk=domain.pk).delete()


def delete_among_others(domain):
    with transaction.atomic():
        EmailAddress.objects.all().delete()
        domain.delete()


@pytest.mark.parametrize("door", [delete_one, delete_queryset, delete_among_others])
def test_a_row_deleted_in_any_way_is_cleaned_up(received, ses, door):
    door(received)
    assert calls(ses) == ["DeleteReceiptRule", "DeleteEmailIdentity"]
    assert (rules(ses), identities(ses)) == ({}, set())
    recover_and_run_worker(ses)
    assert stored_keys() == []
    record = DomainDeletion.objects.get()
    assert (record.name, record.owner, record.requested_by) == ("example.com", received.owner, "")
    assert record.finished_at


def test_a_rolled_back_deletion_makes_no_call(received, ses):
    do_and_undo(received.delete)
    assert calls(ses) == []
    assert rules(ses) == {"inbound-example.com-rule": {"a@example.com"}}
    assert not DomainDeletion.objects.exists()
    sync = DomainSync.objects.get()
    assert not sync.pending


def test_a_rolled_back_savepoint_discards_only_its_own_changes(received, ses):
    with transaction.atomic():
        do_and_undo(received.delete)
        EmailAddress.objects.all().delete()
    assert calls(ses) == ["DeleteReceiptRule"]
    assert identities(ses) == {"example.com"}


def test_a_rolled_back_creation_makes_no_call(ses):
    do_and_undo(DomainFactory)
    assert calls(ses) == []
    assert not DomainSync.objects.exists()


def test_many_changes_in_one_transaction_are_reconciled_once(domain, ses):
    with transaction.atomic():
        for n in range(5):
            EmailAddressFactory(domain=domain, address=f"a{n}@example.com")
        EmailAddress.objects.filter(address="a0@example.com").delete()
    assert calls(ses) == ["CreateReceiptRule"]
    assert rules(ses) == {"inbound-example.com-rule": {f"a{n}@example.com" for n in range(1, 5)}}


def test_columns_that_do_not_affect_ses_leave_the_domain_clean(received, ses):
    before = DomainSync.objects.get().generation
    received.status = Domain.Status.FAILED
    received.save(update_fields=["status"])
    assert DomainSync.objects.get().generation == before
    assert calls(ses) == []


@pytest.mark.parametrize("column", ["catch_all_endpoint", "catch_all_endpoint_id"])
def test_a_row_that_is_saved_without_its_catch_all_endpoint_is_marked(received, ses, column):
    before = DomainSync.objects.get().generation
    received.catch_all_endpoint = None
    received.save(update_fields=[column])
    assert DomainSync.objects.get().generation > before


def test_a_domain_that_is_being_deleted_receives_nothing(received, ses):
    received.deleting_since = timezone.now()
    received.save()
    assert (rules(ses), identities(ses)) == ({}, set())


def test_a_row_is_deleted_although_ses_is_down(received, ses, impatient):
    fail_calls(ses)
    received.delete()
    assert not Domain.objects.exists()
    recover_and_run_worker(ses)
    assert (rules(ses), identities(ses), stored_keys()) == ({}, set(), [])


def test_a_user_who_owns_domains_cannot_be_deleted(domain, ses):
    with pytest.raises(ProtectedError):
        domain.owner.delete()
    assert calls(ses) == []


def test_a_deletion_report_outlives_the_account_of_the_owner(domain, ses):
    owner = domain.owner
    domain.delete()
    owner.delete()
    assert DomainDeletion.objects.get().owner is None


def test_in_autocommit_mode_a_domain_and_its_dirty_mark_are_committed_together(user):
    """Django sends `post_save` after its own transaction. A failure or a kill in between must leave no row."""

    def killed(**_):
        raise Undone

    post_save.connect(killed, sender=Domain)
    try:
        with pytest.raises(Undone):
            DomainFactory(owner=user)
    finally:
        post_save.disconnect(killed, sender=Domain)
    assert not Domain.objects.exists()
