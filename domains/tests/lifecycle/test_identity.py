"""Worker tasks: checks that are due, and DNS records for tokens that came late."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from domains.lifecycle.identity import check_due, complete_identities
from domains.models import DnsRecord, Domain
from domains.verification.check import check_one
from domains.verification.rows import Finding, store
from inbound.tests.support.aws import (
    calls,
    fail_calls,
    keep_new_identities_pending,
    recover_and_run_worker,
    set_verification_status,
)
from inbound.tests.support.factories import DomainFactory
from ses_integration.errors import SesError

URL = "/api/v2/domains"


@pytest.fixture
def pending(api, ses):
    """Two domains that SES has not verified, and whose check is due."""
    keep_new_identities_pending(ses)
    for name in ("a.com", "b.com"):
        api.post(URL, {"domain": name})
    ses.clear_journal()
    make_due()


def make_due():
    Domain.objects.update(next_check=timezone.now() - timedelta(seconds=1))


def statuses():
    return dict(Domain.objects.values_list("name", "status"))


def test_domains_are_checked_together(pending, ses):
    set_verification_status(ses, "a.com", "Success")
    set_verification_status(ses, "b.com", "Failed")
    assert check_due() == 2
    assert statuses() == {"a.com": "verified", "b.com": "failed"}
    assert calls(ses) == ["GetIdentityVerificationAttributes", "GetIdentityMailFromDomainAttributes"]


def test_a_domain_is_not_checked_before_it_is_due(pending, ses):
    check_due()
    ses.clear_journal()
    assert check_due() == 0
    assert calls(ses) == []


def test_a_verified_domain_is_checked_again_after_a_day(pending, ses):
    set_verification_status(ses, "a.com", "Success")
    check_due()
    # Once more at once, because its MX record may follow.
    assert Domain.objects.get(name="a.com").next_check - timezone.now() < timedelta(minutes=2)
    make_due()
    check_due()
    domain = Domain.objects.get(name="a.com")
    assert timedelta(hours=23) < domain.next_check - timezone.now() < timedelta(hours=25)
    assert Domain.objects.get(name="b.com").next_check - timezone.now() < timedelta(minutes=2)


def test_a_failed_domain_is_verified_when_its_records_are_found(pending, ses):
    Domain.objects.update(status="failed")
    set_verification_status(ses, "a.com", "Success")
    check_due()
    assert statuses() == {"a.com": "verified", "b.com": "pending"}


@pytest.mark.parametrize(
    ("ses_status", "status"),
    [("TemporaryFailure", "verified"), ("Pending", "pending"), ("NotStarted", "pending"), ("Failed", "failed")],
)
def test_only_what_ses_knows_takes_the_verification_away(api, ses, ses_status, status):
    api.post(URL, {"domain": "a.com"})
    set_verification_status(ses, "a.com", ses_status)
    make_due()
    check_due()
    domain = Domain.objects.get()
    assert domain.status == status
    assert bool(domain.status_reason) == (status != "verified")


def test_an_identity_that_ses_has_lost_takes_the_verification_away(api, ses):
    api.post(URL, {"domain": "a.com"})
    ses.reset()
    make_due()
    check_due()
    domain = Domain.objects.get()
    assert (domain.status, domain.status_reason) == (
        "pending",
        "SES does not have the identity. inbound creates it again.",
    )


def test_an_error_of_ses_changes_no_status(pending, ses):
    fail_calls(ses)
    with pytest.raises(SesError):
        check_due()
    assert statuses() == {"a.com": "pending", "b.com": "pending"}


def test_dns_is_stored_even_if_ses_fails(pending, ses):
    fail_calls(ses)
    with pytest.raises(SesError):
        check_due()
    assert set(DnsRecord.objects.values_list("state", flat=True)) == {"missing"}
    assert not Domain.objects.filter(last_dns_check=None).exists()


def test_a_domain_that_is_being_deleted_is_not_checked(pending):
    Domain.objects.filter(name="a.com").update(deleting_since=timezone.now())
    assert check_due() == 1


def test_a_domain_that_is_being_deleted_gets_no_records(api, ses, impatient):
    fail_calls(ses)
    pk = api.post(URL, {"domain": "example.com"}).json()["id"]
    domain = Domain.objects.get(pk=pk)
    ses.clear_faults()
    recover_and_run_worker(ses)
    domain.dns_records.all().delete()
    Domain.objects.update(deleting_since=timezone.now())
    complete_identities()
    assert domain.dns_records.count() == 0


def test_new_tokens_replace_the_records_of_the_old_ones(api, ses):
    pk = api.post(URL, {"domain": "example.com"}).json()["id"]
    domain = Domain.objects.get(pk=pk)
    kept = domain.dns_records.get(record_type="MX", name="example.com")
    domain.dns_records.filter(name__startswith="_amazonses.").update(value="old token")
    domain.dns_records.filter(record_type="CNAME").update(value="old.dkim.amazonses.com", state="verified")
    api.get(f"{URL}/{pk}?check=true")
    assert domain.dns_records.count() == 9
    assert not domain.dns_records.filter(value__startswith="old").exists()
    assert domain.dns_records.get(record_type="MX", name="example.com").pk == kept.pk


def test_nothing_is_due_without_domains(ses):
    DomainFactory(deleting_since=timezone.now())
    assert check_due() == 0
    assert calls(ses) == []


def test_findings_that_are_older_than_the_stored_ones_are_dropped(pending, ses):
    domain = Domain.objects.get(name="a.com")
    began = timezone.now()
    set_verification_status(ses, "a.com", "Success")
    check_one(domain)
    rows = {domain.pk: list(domain.dns_records.all())}
    stored = store({domain.pk: Finding("Pending", None)}, rows, began)
    assert stored[domain.pk].status == statuses()["a.com"] == "verified"


def test_records_of_tokens_that_came_late_do_not_postpone_the_next_check(api, ses, impatient):
    keep_new_identities_pending(ses)
    fail_calls(ses, "VerifyDomainIdentity", "throttle")
    api.post(URL, {"domain": "a.com"})
    make_due()
    due = Domain.objects.get().next_check
    complete_identities()
    assert Domain.objects.get().next_check == due
