"""Failures of SES and of the configuration: what is retried, when, and what needs attention."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from ses_integration.coordination import lease
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.models import DomainSync, InFlightCall
from ses_integration.reconcile import outbox
from ses_integration.reconcile.loop import reconcile, reconcile_due
from ses_integration.status.confirmation import recipients_left
from ses_integration.status.sync_state import pending_domains
from ses_integration.tests.support.fake_domains import DOMAIN, receive
from ses_integration.tests.support.protocol_steps import Writer
from ses_integration.tests.support.ses_state import calls, rules

RULE = "inbound-example.com-rule"
pytestmark = pytest.mark.usefixtures("rows")


def make_due() -> None:
    """Let the back-off of all domains be over."""
    DomainSync.objects.update(retry_at=None)


def test_throttled_call_is_repeated_within_the_deadline(ses_with_a):
    ses_with_a.add_faults({"service": "ses", "action": "UpdateReceiptRule", "fault": "throttle", "times": 2})
    receive("a", "b")
    reconcile(DOMAIN)
    assert [entry["status"] for entry in ses_with_a.journal()] == [400, 400, 200]
    assert not pending_domains().exists()


@pytest.mark.parametrize("fault", ["throttle", "fail", "dropped", "lost"])
def test_transient_failure_is_retried_when_it_is_due(ses_with_a, fault):
    ses_with_a.add_faults({"service": "ses", "action": "*", "fault": fault, "times": 0})
    receive("a", "b")
    with shared_deadline(1):
        reconcile(DOMAIN)
    sync = pending_domains().get()
    assert (sync.stalled, sync.attempts > 0, sync.retry_at is not None) == (False, True, True)
    ses_with_a.clear_faults()
    make_due()
    reconcile_due()
    assert rules() == {RULE: {"a@example.com", "b@example.com"}}
    assert not DomainSync.objects.get().pending


def test_unanswered_call_stays_in_flight_for_the_settle_time(ses_with_a, settings):
    settings.SES_CALL_SETTLE_SECONDS = 60
    ses_with_a.add_faults({"service": "ses", "action": "UpdateReceiptRule", "fault": "dropped"})
    receive("a", "b")
    with shared_deadline(0.2):
        reconcile(DOMAIN)
    until = InFlightCall.objects.get().until
    assert timedelta(seconds=60) < until - timezone.now() <= timedelta(seconds=70)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"fault": "access_denied"}, "AWS does not allow ses:UpdateReceiptRule; the credentials lack a permission."),
        ({"fault": "error", "code": "LimitExceeded", "message": "Too many actions"}, "An SES quota is exhausted."),
        (
            {"fault": "error", "code": "InvalidParameterValue", "message": "Invalid recipient: secret@example.com"},
            "AWS does not accept a value, most likely a recipient.",
        ),
    ],
)
def test_lasting_failure_needs_attention_and_is_retried_after_the_long_interval(ses_with_a, fault, sentence):
    ses_with_a.add_faults({"service": "ses", "action": "UpdateReceiptRule", **fault})
    receive("a", "b")
    started = time.monotonic()
    reconcile(DOMAIN)
    assert time.monotonic() - started < 30  # half of the budget: it does not wait for the retry
    sync = pending_domains().get()
    assert (sync.stalled, sync.last_error) == (True, sentence)
    assert sync.retry_at - timezone.now() > timedelta(minutes=14)


def test_change_makes_a_stalled_domain_due_at_once(ses_with_a):
    ses_with_a.add_faults({"service": "ses", "action": "UpdateReceiptRule", "fault": "access_denied"})
    receive("a", "b")
    reconcile(DOMAIN)
    receive("a", "b", "c")
    reconcile(DOMAIN)
    assert not pending_domains().exists()


def test_failing_domain_does_not_hold_up_others(ses):
    ses.add_faults({"service": "sesv2", "action": "CreateEmailIdentity", "fault": "access_denied"})
    receive("a", domain="bad.org")
    receive("a", domain="good.org")
    reconcile_due()
    assert rules() == {"inbound-bad.org-rule": {"a@bad.org"}, "inbound-good.org-rule": {"a@good.org"}}
    assert [sync.domain for sync in pending_domains()] == ["bad.org"]


def test_first_success_after_an_outage_makes_all_domains_due(ses):
    ses.add_faults({"service": "*", "action": "*", "fault": "throttle", "times": 0})
    for domain in ("one.org", "two.org"):
        receive("a", domain=domain)
    with shared_deadline(0.1):
        reconcile("one.org")
        reconcile("two.org")
    DomainSync.objects.update(retry_at=timezone.now() + timedelta(hours=1))
    ses.clear_faults()
    receive("a", domain="three.org")
    reconcile("three.org")
    assert set(DomainSync.objects.values_list("retry_at", flat=True)) == {None}


def test_without_a_bucket_rules_are_only_removed(ses_with_a, settings):
    settings.S3_BUCKET_NAME = ""
    receive("a", "b")
    reconcile(DOMAIN)
    assert pending_domains().get().last_error == "S3_BUCKET_NAME is missing."
    receive()
    reconcile(DOMAIN)
    assert calls(ses_with_a) == ["DeleteReceiptRule"]


def test_without_a_region_the_change_stays_pending(settings, rows, transactional_db, aws):
    settings.AWS_REGION = ""
    receive("a")
    reconcile(DOMAIN)
    assert pending_domains().get().last_error == "AWS region or credentials are missing."
    assert aws.journal() == []


def test_missing_rule_set_is_reported(aws, transactional_db, rows):
    receive("a")
    reconcile(DOMAIN)
    assert pending_domains().get().last_error == "The receipt rule set does not exist; run ses_setup."


def test_auto_setup_creates_a_missing_rule_set(aws, transactional_db, rows, settings):
    settings.SES_AUTO_SETUP = True
    receive("a")
    reconcile(DOMAIN)
    assert rules() == {RULE: {"a@example.com"}}


def test_name_conflict_of_two_domains_is_reported(ses):
    receive("a", domain="x.com", catch_all=True)
    reconcile("x.com")
    receive("b", domain="x.com-catchall")
    reconcile("x.com-catchall")
    assert pending_domains().get().last_error == "Another domain has a rule of this name."
    assert rules() == {"inbound-x.com-catchall-rule": {"x.com"}}


def test_unanswered_call_that_becomes_due_before_the_deadline_is_repeated(ses_with_a):
    receive("a", "b")
    x = Writer()
    x.call_without_answer()
    receive("b")
    InFlightCall.objects.update(until=timezone.now() + timedelta(seconds=0.5))
    lease.release(x.held)
    with shared_deadline(30):
        assert reconcile(DOMAIN, outbox.generation(DOMAIN))
    assert not InFlightCall.objects.exists()
    assert recipients_left(DOMAIN, ["a@example.com"]) == set()
