"""Deletions of domains that received mail in another region, rule set or bucket than the configured one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from domains.deletion.proof import describe, prove_deletions
from domains.deletion.service import resume_deletions
from domains.models import DomainDeletion
from domains.tests.deletion.absence import ELSEWHERE, RULE, all_calls, put_rule
from inbound.tests.support.aws import (
    recover_and_run_worker,
    store_mail,
    stored_keys,
)
from ses_integration.aws import clients
from ses_integration.conf import ses_config


def test_mail_is_erased_and_verified_in_the_bucket_that_stored_it(domain, ses, settings):
    """Even if S3_BUCKET_NAME has changed since."""
    store_mail(f"{domain.key_prefix}mail")
    ses.add_faults({"service": "s3", "action": "*", "fault": "access_denied", "times": None})
    domain.delete()
    resume_deletions()
    settings.S3_BUCKET_NAME = "another-bucket"
    recover_and_run_worker(ses)
    record = DomainDeletion.objects.get()
    assert (record.stored_mail, record.erased_versions, stored_keys()) == ("done", 1, [])


@pytest.fixture
def elsewhere(settings):
    """Another region, or another rule set, from now on."""

    def change(setting, value):
        setattr(settings, setting, value)
        clients.ses(ses_config().region).create_receipt_rule_set(RuleSetName=ses_config().rule_set)
        return settings

    return change


CHANGES = [("AWS_REGION", "us-east-1"), ("SES_RULE_SET", "another-set")]


@pytest.mark.parametrize(("setting", "value"), CHANGES)
def test_no_deletion_is_verified_in_another_region_or_rule_set(gone, ses, elsewhere, client_for, setting, value):
    """It waits until the settings name its region and rule set again, is not tried each minute, and says so."""
    before = getattr(ses_config(), setting.removeprefix("AWS_").removeprefix("SES_").lower())
    put_rule(RULE, "a@example.com", prefix=gone.key_prefix)
    settings = elsewhere(setting, value)
    ses.clear_journal()
    assert prove_deletions() == 0
    assert all_calls(ses) == []
    gone.refresh_from_db()
    assert gone.retry_at is None
    shown = client_for(gone.owner).get(f"/api/v2/deletions/{gone.pk}").json()["confirmation"]
    assert shown.pop("lookAgainAt")
    assert shown == {
        "confirmedAt": None,
        "lookedAt": None,
        "receiptRules": False,
        "identity": False,
        "receivedEmails": False,
        "storedMail": False,
        "found": [],
        "foreignRules": [],
        "problem": ELSEWHERE,
    }
    assert describe(gone) == f"not verified yet: {ELSEWHERE}"
    setattr(settings, setting, before)
    assert prove_deletions() == 1
    gone.refresh_from_db()
    assert (gone.proved_at, gone.proof["found"]) == (None, [RULE])


def test_a_second_verification_waits_for_its_region(gone, ses, elsewhere, client_for):
    api = client_for(gone.owner)
    prove_deletions()
    first = api.get(f"/api/v2/deletions/{gone.pk}").json()["confirmation"]
    elsewhere("AWS_REGION", "us-east-1")
    # Before it is due, what has been confirmed is.
    assert api.get(f"/api/v2/deletions/{gone.pk}").json()["confirmation"] == first
    DomainDeletion.objects.update(look_again_at=timezone.now() - timedelta(seconds=1))
    ses.clear_journal()
    assert prove_deletions() == 0
    assert all_calls(ses) == []
    shown = api.get(f"/api/v2/deletions/{gone.pk}").json()["confirmation"]
    assert (shown["confirmedAt"], shown["problem"], shown["lookedAt"]) == (None, ELSEWHERE, first["lookedAt"])
    gone.refresh_from_db()
    assert describe(gone) == f"nothing of ours was found; {ELSEWHERE}"


def test_a_deletion_without_a_region_is_verified_in_the_configured_one(gone, ses):
    """The deletion report is older than its field `region`."""
    DomainDeletion.objects.update(region="", rule_set="")
    assert prove_deletions() == 1
    gone.refresh_from_db()
    assert gone.proved_at
