"""A deletion is not fine before its absence is verified."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from desk.state.read import read_state
from desk.state.values import Kind, Level
from domains.deletion.service import delete_domain
from domains.models import DomainDeletion
from inbound.tests.support.factories import DomainFactory
from inbound.worker import Worker

pytestmark = pytest.mark.sqlite


@pytest.fixture
def deletion(ses, alive) -> DomainDeletion:
    return delete_domain(domain=DomainFactory(name="shop.example"), requested_by="me")


def set_back(**times: int) -> None:
    """Pretend that it was so many minutes ago."""
    DomainDeletion.objects.update(
        **{name: timezone.now() - timedelta(minutes=minutes) for name, minutes in times.items()}
    )


def test_one_that_has_just_finished_is_no_finding(deletion):
    state = read_state()
    assert (state.is_settled, state.deletions_unproved) == (True, 1)


def test_one_that_nobody_has_verified_for_ten_minutes_is_pending_until_it_is(deletion):
    set_back(finished_at=11, started_at=90)
    state = read_state()
    [finding] = state.findings
    assert finding.since == state.by_kind[Kind.PROOF].since == DomainDeletion.objects.get().finished_at
    assert (finding.kind, finding.level, finding.subject, finding.what) == (
        Kind.PROOF,
        Level.PENDING,
        "shop.example",
        "finished, but not verified in SES and S3",
    )
    assert state.waiting[Kind.PROOF].number == 1
    Worker().tick()
    assert read_state().is_settled


def test_the_reason_of_a_verification_that_failed_is_told(deletion):
    DomainDeletion.objects.update(proof={"problem": "AWS does not allow s3:ListBucketVersions."})
    set_back(finished_at=11)
    [finding] = read_state().findings
    assert finding.why == "AWS does not allow s3:ListBucketVersions."


def test_a_second_verification_that_is_late_is_pending(deletion):
    Worker().tick()
    set_back(look_again_at=11)
    [finding] = read_state().findings
    assert (finding.kind, finding.since) == (Kind.PROOF, DomainDeletion.objects.get().look_again_at)


def test_one_of_another_region_or_rule_set_needs_you(deletion, settings):
    set_back(finished_at=11)
    settings.SES_RULE_SET = "other"
    state = read_state()
    [finding] = [one for one in state.findings if one.kind is Kind.PROOF]
    assert finding.level is Level.NEEDS_YOU
    assert "which is no longer configured, so the deletion cannot be verified" in finding.why
    assert finding.act


def test_one_whose_name_changes_in_ses_is_told_besides_the_change(deletion, settings):
    set_back(finished_at=11)
    settings.SES_REQUEST_BUDGET = 0.0
    DomainFactory(name="shop.example")
    findings = {finding.kind: finding for finding in read_state().findings}
    assert set(findings) == {Kind.SES_CHANGE, Kind.PROOF}
    assert findings[Kind.PROOF].why == "A domain of this name was added again, and waits for SES."
