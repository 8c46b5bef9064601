"""SES's mails about bounces are switched off once for each identity of ours, where events replace them."""

from __future__ import annotations

import boto3
import pytest

from ses_integration.models import LedgerIdentity
from ses_integration.reconcile.loop import reconcile
from ses_integration.sending import feedback_mail
from ses_integration.sending.feedback_mail import ensure_feedback_off
from ses_integration.tests.support.fake_domains import DOMAIN, receive, remove

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite_only]


@pytest.fixture(autouse=True)
def ready(ses_with_a, settings, monkeypatch):
    """example.com has an identity of ours."""
    settings.SES_CONFIGURATION_SET = "out"
    monkeypatch.setattr(feedback_mail, "_not_before", 0.0)


def is_on() -> bool:
    answer = boto3.client("sesv2", region_name="eu-west-1").get_email_identity(EmailIdentity=DOMAIN)
    return answer["FeedbackForwardingStatus"]


def calls(aws) -> int:
    return [entry["action"] for entry in aws.journal()].count("PutEmailIdentityFeedbackAttributes")


def test_it_is_switched_off_with_one_call(ses_with_a):
    assert is_on()
    ensure_feedback_off(DOMAIN)
    ensure_feedback_off(DOMAIN)
    assert not is_on()
    assert calls(ses_with_a) == 1


def test_a_pass_does_not_forget_it(ses_with_a):
    ensure_feedback_off(DOMAIN)
    receive("a", "b")
    reconcile(DOMAIN)
    ensure_feedback_off(DOMAIN)
    assert calls(ses_with_a) == 1


def test_a_new_identity_is_switched_off_again(ses_with_a):
    ensure_feedback_off(DOMAIN)
    remove()
    reconcile(DOMAIN)
    receive("a")
    reconcile(DOMAIN)
    assert is_on()
    ensure_feedback_off(DOMAIN)
    assert not is_on()


def test_without_events_it_stays_on(ses_with_a, settings):
    settings.SES_CONFIGURATION_SET = ""
    ensure_feedback_off(DOMAIN)
    assert calls(ses_with_a) == 0


def test_an_identity_of_somebody_else_stays_as_it_is(ses_with_a):
    LedgerIdentity.objects.update(ours=False)
    ensure_feedback_off(DOMAIN)
    ensure_feedback_off("example.org")
    assert calls(ses_with_a) == 0


def test_a_failure_holds_nobody_up_and_is_not_repeated_for_each_mail(ses_with_a, monkeypatch):
    ses_with_a.add_faults({"action": "PutEmailIdentityFeedbackAttributes", "fault": "access_denied"})
    ensure_feedback_off(DOMAIN)
    ensure_feedback_off(DOMAIN)
    assert calls(ses_with_a) == 1
    monkeypatch.setattr(feedback_mail, "_not_before", 0.0)
    ensure_feedback_off(DOMAIN)
    assert not is_on()
