"""When a deletion is verified."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from domains.deletion.proof import prove_deletions
from domains.deletion.service import resume_deletions
from domains.models import DomainDeletion
from domains.tests.deletion.absence import OBSERVE, RULE, all_calls, put_rule
from inbound.tests.support.aws import (
    calls,
    fail_calls,
    recover_and_run_worker,
    store_mail,
)
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory
from ses_integration.drift.sweep import sweep_database
from ses_integration.errors import SesError

pytestmark = pytest.mark.sqlite


def test_a_deletion_is_verified_if_ses_and_s3_hold_nothing_of_it(gone, ses):
    assert prove_deletions() == 1
    assert all_calls(ses) == [*OBSERVE, "ListObjectVersions"]
    gone.refresh_from_db()
    assert gone.finished_at < gone.proved_at
    assert (gone.proof["found"], gone.proof["foreignRules"], gone.proof["problem"]) == ([], [], "")
    assert (gone.proof["receiptRules"], gone.proof["identity"], gone.proof["storedMail"]) == (True, True, True)
    ses.clear_journal()
    assert prove_deletions() == 0
    assert all_calls(ses) == []


def test_an_unfinished_deletion_is_not_verified(domain, ses, impatient):
    fail_calls(ses)
    domain.delete()
    ses.clear_journal()
    assert prove_deletions() == 0
    assert calls(ses) == []


def test_several_deletions_are_verified_by_one_observation(ses):
    for _ in range(3):
        DomainFactory().delete()
    resume_deletions()
    ses.clear_journal()
    assert prove_deletions() == 3
    assert all_calls(ses) == [*OBSERVE, *["ListObjectVersions"] * 3]


def test_kept_mail_is_not_looked_for(domain, ses, settings):
    settings.KEEP_MAIL_ON_DOMAIN_DELETE = True
    store_mail(f"{domain.key_prefix}mail")
    domain.delete()
    resume_deletions()
    ses.clear_journal()
    prove_deletions()
    assert all_calls(ses) == OBSERVE
    record = DomainDeletion.objects.get()
    assert record.proved_at
    assert record.proof["storedMail"] is False


def test_a_deletion_is_not_verified_if_s3_refuses_to_list_its_mail(gone, ses):
    ses.add_faults({"service": "s3", "action": "ListObjectVersions", "fault": "access_denied"})
    prove_deletions()
    gone.refresh_from_db()
    assert gone.finished_at
    assert gone.proved_at is None
    assert (
        gone.proof["problem"]
        == "AWS does not allow s3:ListBucketVersions on inbound-mail; the credentials lack a permission."
    )
    assert gone.proof["storedMail"] is False
    DomainDeletion.objects.update(retry_at=None)
    prove_deletions()
    gone.refresh_from_db()
    assert gone.proved_at


def test_a_failed_second_verification_is_repeated(gone, ses, client_for):
    """Until then the report shows nothing as confirmed beside the part that could not be verified."""
    prove_deletions()
    DomainDeletion.objects.update(look_again_at=timezone.now() - timedelta(seconds=1))
    ses.add_faults({"service": "s3", "action": "ListObjectVersions", "fault": "access_denied"})
    assert prove_deletions() == 1
    shown = client_for(gone.owner).get(f"/api/v2/deletions/{gone.pk}").json()["confirmation"]
    assert (shown["confirmedAt"], shown["storedMail"]) == (None, False)
    assert (
        shown["problem"]
        == "AWS does not allow s3:ListBucketVersions on inbound-mail; the credentials lack a permission."
    )
    assert shown["lookAgainAt"]
    # In a quarter of an hour, and not at once.
    assert prove_deletions() == 0
    DomainDeletion.objects.update(retry_at=None)
    assert prove_deletions() == 1
    shown = client_for(gone.owner).get(f"/api/v2/deletions/{gone.pk}").json()["confirmation"]
    assert shown["confirmedAt"] == shown["lookedAt"]
    assert (shown["storedMail"], shown["problem"], shown["lookAgainAt"]) == (True, None, None)


@pytest.mark.parametrize("action", ["*", "DescribeActiveReceiptRuleSet", "ListEmailIdentities"])
def test_no_deletion_is_verified_while_ses_fails(gone, ses, action):
    fail_calls(ses, action=action)
    with pytest.raises(SesError):
        prove_deletions()
    assert DomainDeletion.objects.get().proved_at is None
    # Somebody has just asked: the next one waits.
    assert prove_deletions() == 0


def test_a_rule_of_a_domain_deleted_without_a_region_is_found_by_its_name(domain, ses, settings):
    EmailAddressFactory(domain=domain, address="a@example.com")
    settings.AWS_REGION = ""
    domain.delete()
    settings.AWS_REGION = "eu-west-1"
    sweep_database()
    recover_and_run_worker(ses)
    record = DomainDeletion.objects.get()
    assert record.finished_at
    put_rule(RULE, "a@example.com", prefix=record.key_prefix)
    prove_deletions()
    record.refresh_from_db()
    assert (record.proved_at, record.proof["found"]) == (None, [RULE])
