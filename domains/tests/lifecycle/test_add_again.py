"""Adding a deleted domain again, after its clean-up or while that is still pending."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from domains.deletion import service
from domains.deletion.service import advance
from domains.models import Domain, DomainDeletion, Step
from inbound.tests.support.aws import (
    calls,
    fail_calls,
    identities,
    key_prefixes,
    recover_and_run_worker,
    rules,
    store_mail,
    stored_keys,
)
from inbound.tests.support.factories import BlockedEmailFactory, EmailAddressFactory, UserFactory
from ses_integration.models import DomainSync
from ses_integration.reconcile.loop import reconcile_due
from ses_integration.status.sync_state import SyncState
from ses_integration.tests.support.counterexamples import claim, counterexample, patched

URL = "/api/v2/domains"
RULE = "inbound-example.com-rule"


@pytest.fixture
def old_domain(domain, ses):
    """`example.com` with an address and stored mail."""
    EmailAddressFactory(domain=domain, address="old@example.com")
    store_mail(f"{domain.key_prefix}mail-1")
    ses.clear_journal()
    return domain


@pytest.fixture
def add(api):
    """Add `example.com` with an address; returns the domain."""

    def add(client=api, local="new"):
        pk = client.post(URL, {"domain": "example.com"}).json()["id"]
        answer = client.post("/api/v2/email-addresses", {"address": f"{local}@example.com", "domainId": pk})
        assert answer.status_code == 201
        return Domain.objects.get(pk=pk)

    return add


def test_a_deleted_domain_is_added_as_a_new_domain(api, add, old_domain, ses):
    api.delete(f"{URL}/{old_domain.pk}")
    again = add()
    assert again.pk != old_domain.pk
    assert rules(ses) == {RULE: {"new@example.com"}}
    assert key_prefixes(ses) == {RULE: f"emails/example.com/{again.pk}/"}
    assert identities(ses) == {"example.com"}
    shown = api.get(f"{URL}/{again.pk}").json()
    assert shown["stats"]["totalEmailAddresses"] == 1
    assert not shown["isCatchAllEnabled"]


def test_a_deleted_domain_may_get_another_owner(api, client_for, add, old_domain):
    api.delete(f"{URL}/{old_domain.pk}")
    other = UserFactory()
    assert add(client_for(other)).owner == other
    assert api.get(URL).json()["data"] == []


def test_the_pending_cleanup_of_the_old_domain_removes_nothing_of_the_new_one(api, add, old_domain, ses, impatient):
    fail_calls(ses)
    old = api.delete(f"{URL}/{old_domain.pk}").json()
    assert "warning" in old
    again = add()
    assert DomainDeletion.objects.get().rules == Step.PENDING
    recover_and_run_worker(ses)
    assert rules(ses) == {RULE: {"new@example.com"}}
    assert key_prefixes(ses) == {RULE: again.key_prefix}
    assert identities(ses) == {"example.com"}
    assert stored_keys() == []
    record = DomainDeletion.objects.get()
    assert (record.rules, record.identity, record.stored_mail) == (Step.SUPERSEDED, Step.SUPERSEDED, Step.DONE)
    assert record.finished_at
    assert api.delete(f"{URL}/{old_domain.pk}").status_code == 404
    assert api.get(f"{URL}/{again.pk}").json()["status"] == "verified"


def test_late_mail_of_the_old_domain_is_erased_too(api, add, old_domain, ses, impatient):
    """The old rule stores under the old prefix until SES has confirmed its deletion. Only then can the prefix stay empty."""
    fail_calls(ses)
    api.delete(f"{URL}/{old_domain.pk}")
    again = add()
    answer = api.delete(f"{URL}/{old_domain.pk}").json()
    assert answer["deletedResources"]["sesReceiptRules"] is False
    store_mail(f"{old_domain.key_prefix}mail-2")
    store_mail(f"{again.key_prefix}mail-3")
    recover_and_run_worker(ses)
    assert stored_keys() == [f"{again.key_prefix}mail-3"]


def test_the_old_deletion_reports_that_the_domain_was_added_again(api, add, old_domain, ses, impatient):
    fail_calls(ses)
    api.delete(f"{URL}/{old_domain.pk}")
    add()
    ses.clear_faults()
    ses.add_faults({"service": "s3", "fault": "access_denied", "times": None})
    DomainSync.objects.update(retry_at=None)
    body = api.delete(f"{URL}/{old_domain.pk}").json()
    assert (body["deletedResources"]["sesReceiptRules"], body["deletedResources"]["sesIdentity"]) == (False, False)
    assert body["warning"].startswith("The domain was added again before its clean-up was finished.")


def test_an_error_of_the_next_owners_domain_is_not_revealed_by_the_old_deletion(
    api, client_for, add, old_domain, ses, impatient
):
    fail_calls(ses)
    api.delete(f"{URL}/{old_domain.pk}")
    add(client_for(UserFactory()))
    ses.clear_faults()
    fail_calls(ses, fault="access_denied")
    DomainSync.objects.update(retry_at=None)
    reconcile_due()
    denied = "AWS does not allow ses:GetEmailIdentity; the credentials lack a permission."
    assert SyncState.by_domain(["example.com"])["example.com"].error == denied
    warning = api.delete(f"{URL}/{old_domain.pk}").json()["warning"]
    assert warning.startswith("SES clean-up is not finished. SES has not confirmed the change.")
    assert denied not in warning


def test_rows_of_an_unfinished_deletion_are_deleted_when_the_domain_is_added(
    api, client_for, add, old_domain, ses, monkeypatch
):
    """The process died after the first transaction, so the rows still exist, and another owner adds the name."""
    Domain.objects.filter(pk=old_domain.pk).update(deleting_since="2026-01-01T00:00:00Z")
    BlockedEmailFactory(domain=old_domain)
    DomainDeletion.objects.create(domain_id=old_domain.pk, name="example.com", owner=old_domain.owner)
    other = UserFactory()
    again = add(client_for(other))
    assert list(Domain.objects.all()) == [again]
    record = DomainDeletion.objects.get()
    assert (record.rows, record.email_addresses, record.blocked_emails) == (Step.DONE, 1, 1)
    recover_and_run_worker(ses)
    assert rules(ses) == {RULE: {"new@example.com"}}
    assert stored_keys() == []
    assert DomainDeletion.objects.get().finished_at


def test_two_deleted_domains_of_one_name_are_both_cleaned_up(api, add, old_domain, ses, impatient):
    fail_calls(ses)
    api.delete(f"{URL}/{old_domain.pk}")
    second = add()
    store_mail(f"{second.key_prefix}mail-2")
    api.delete(f"{URL}/{second.pk}")
    recover_and_run_worker(ses)
    assert (rules(ses), identities(ses), stored_keys()) == ({}, set(), [])
    assert DomainDeletion.objects.exclude(finished_at=None).count() == 2


def test_adding_again_takes_no_more_calls_than_adding(api, add, old_domain, ses):
    api.delete(f"{URL}/{old_domain.pk}")
    ses.clear_journal()
    add()
    assert calls(ses) == [
        "CreateEmailIdentity",
        "VerifyDomainIdentity",
        "SetIdentityMailFromDomain",
        "CreateReceiptRule",
    ]


def test_a_paused_worker_deletes_no_row_of_the_new_domain(api, add, old_domain, ses):
    api.delete(f"{URL}/{old_domain.pk}")
    again = add()
    ses.clear_journal()
    advance(DomainDeletion.objects.get(domain_id=old_domain.pk))
    again.refresh_from_db()
    assert again.email_addresses.count() == 1
    assert calls(ses) == []
    assert rules(ses) == {RULE: {"new@example.com"}}


@contextmanager
def rows_go_by_name():
    """The rows of a domain that is being deleted are found by its name."""

    def finish(domain_id):
        name = DomainDeletion.objects.get(domain_id=domain_id).name
        for row in Domain.objects.filter(name=name):
            row.email_addresses.all().delete()
            row.delete()

    with patched(service, delete_rows=finish):
        yield


@counterexample(19, rows_go_by_name)
def test_19_a_late_deletion_deletes_no_row_of_the_new_incarnation(api, add, old_domain, ses):
    Domain.objects.filter(pk=old_domain.pk).update(deleting_since="2026-01-01T00:00:00Z")
    record = DomainDeletion.objects.create(domain_id=old_domain.pk, name="example.com", owner=old_domain.owner)
    # The process is paused before it deletes the rows.
    again = add()
    assert list(Domain.objects.all()) == [again]
    assert rules(ses) == {RULE: {"new@example.com"}}
    ses.clear_journal()
    advance(record)
    with claim("The new life keeps its rows."):
        assert again.email_addresses.count() == 1
    again.refresh_from_db()
    assert calls(ses) == []
    assert rules(ses) == {RULE: {"new@example.com"}}
