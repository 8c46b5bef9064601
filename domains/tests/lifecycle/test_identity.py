"""Worker tasks that apply what SES reports: verification statuses, and DNS records for tokens that came late."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from domains.lifecycle.identity import complete_identities, refresh_identities
from domains.models import Domain
from inbound.tests.support.aws import (
    calls,
    fail_calls,
    keep_new_identities_pending,
    recover_and_run_worker,
    set_verification_status,
)
from inbound.tests.support.factories import DomainFactory
from ses_integration.errors import SesError
from ses_integration.models import LedgerIdentity

URL = "/api/v2/domains"


@pytest.fixture
def pending(api, ses):
    """Two domains whose records are not published yet and whose status is due to be checked."""
    keep_new_identities_pending(ses)
    for name in ("a.com", "b.com"):
        api.post(URL, {"domain": name})
    ses.clear_journal()
    a_while_ago()


def a_while_ago():
    LedgerIdentity.objects.update(checked_at=timezone.now() - timedelta(days=1))


def statuses():
    return dict(Domain.objects.values_list("name", "status"))


def test_statuses_are_requested_together(pending, ses):
    set_verification_status(ses, "a.com", "Success")
    set_verification_status(ses, "b.com", "Failed")
    assert refresh_identities() == 2
    assert statuses() == {"a.com": "verified", "b.com": "failed"}
    assert calls(ses) == ["GetIdentityVerificationAttributes", "GetIdentityMailFromDomainAttributes"]


def test_a_domain_checked_recently_is_not_checked_again(pending, ses):
    refresh_identities()
    ses.clear_journal()
    assert refresh_identities() == 0
    assert calls(ses) == []


def test_a_verified_domain_is_checked_less_often(api, ses):
    api.post(URL, {"domain": "a.com"})
    LedgerIdentity.objects.update(checked_at=timezone.now() - timedelta(minutes=10))
    assert refresh_identities() == 0
    a_while_ago()
    set_verification_status(ses, "a.com", "Failed")
    assert refresh_identities() == 1
    assert statuses() == {"a.com": "failed"}


def test_a_failed_domain_is_verified_when_its_records_are_found(pending, ses):
    Domain.objects.update(status="failed")
    set_verification_status(ses, "a.com", "Success")
    refresh_identities()
    assert statuses() == {"a.com": "verified", "b.com": "failed"}


def test_a_temporary_failure_changes_no_status(api, ses):
    api.post(URL, {"domain": "a.com"})
    for status in ("TemporaryFailure", "Pending"):
        set_verification_status(ses, "a.com", status)
        a_while_ago()
        refresh_identities()
        assert statuses() == {"a.com": "verified"}


def test_an_error_of_ses_changes_no_status(pending, ses):
    fail_calls(ses)
    with pytest.raises(SesError):
        refresh_identities()
    assert statuses() == {"a.com": "pending", "b.com": "pending"}


def test_a_domain_that_is_being_deleted_gets_no_records(api, ses, impatient):
    fail_calls(ses)
    pk = api.post(URL, {"domain": "example.com"}).json()["id"]
    domain = Domain.objects.get(pk=pk)
    ses.clear_faults()
    recover_and_run_worker(ses)
    domain.dns_records.all().delete()
    Domain.objects.update(deleting_since=timezone.now())
    complete_identities()
    assert not domain.dns_records.exists()


def test_records_are_stored_once(api, ses):
    api.post(URL, {"domain": "example.com"})
    domain = Domain.objects.get()
    before = set(domain.dns_records.values_list("pk", flat=True))
    domain.dns_records.update(is_verified=True)
    api.get(f"{URL}/{domain.pk}?check=true")
    complete_identities()
    assert set(domain.dns_records.values_list("pk", flat=True)) == before
    assert domain.dns_records.filter(is_verified=True).count() == 9


def test_records_of_a_replaced_token_are_deleted(api, ses):
    api.post(URL, {"domain": "example.com"})
    domain = Domain.objects.get()
    cname = domain.dns_records.filter(record_type="CNAME").first()
    assert cname
    domain.dns_records.filter(pk=cname.pk).update(name="old._domainkey.example.com")
    api.get(f"{URL}/{domain.pk}?check=true")
    assert domain.dns_records.count() == 9
    assert not domain.dns_records.filter(name="old._domainkey.example.com").exists()


def test_without_domains_ses_is_not_asked(ses):
    assert refresh_identities() == 0
    complete_identities()
    DomainFactory()
    ses.clear_journal()
    complete_identities()
    assert calls(ses) == []
