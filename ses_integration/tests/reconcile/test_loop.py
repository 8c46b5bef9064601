from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from ses_integration.aws import clients
from ses_integration.conf import ses_config
from ses_integration.coordination import lease
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.models import DomainSync, InFlightCall, Lease
from ses_integration.reconcile import outbox
from ses_integration.reconcile.loop import reconcile, reconcile_due, with_lease
from ses_integration.status import confirmation
from ses_integration.status.identities import identities as recorded_identities
from ses_integration.status.pending import pending_domains, pending_reason
from ses_integration.status.verification import check_identity
from ses_integration.tests.fake_domains import DOMAIN, receive, remove
from ses_integration.tests.ses_state import calls, identities, rules

RULE = "inbound-example.com-rule"
pytestmark = pytest.mark.usefixtures("rows")


def due() -> None:
    """The next turn of everything has come."""
    DomainSync.objects.update(retry_at=None)


def test_a_new_domain_with_an_address_is_four_calls(ses):
    receive("a")
    reconcile(DOMAIN)
    assert calls(ses) == [
        "CreateEmailIdentity",
        "VerifyDomainIdentity",
        "SetIdentityMailFromDomain",
        "CreateReceiptRule",
    ]
    assert rules() == {RULE: {"a@example.com"}}


def test_converging_again_calls_nothing(a):
    reconcile(DOMAIN)
    receive("a")  # a change that changes nothing
    reconcile(DOMAIN)
    assert a.journal() == []


def test_changes_that_wait_together_cost_one_call(a):
    for local_parts in ("ab", "abc", "bc"):
        receive(*local_parts)
    reconcile(DOMAIN)
    assert calls(a) == ["UpdateReceiptRule"]
    assert rules() == {RULE: {"b@example.com", "c@example.com"}}


def test_a_domain_that_is_gone_leaves_nothing_behind(a):
    remove()
    reconcile(DOMAIN)
    assert calls(a) == ["DeleteReceiptRule", "DeleteEmailIdentity"]
    assert (rules(), identities()) == ({}, set())
    assert confirmation.domain_state(DOMAIN) == confirmation.DomainState(
        rules_gone=True, identity_gone=True, identity_ours=None
    )


def test_a_throttled_call_is_repeated_within_the_budget(a):
    a.add_faults({"service": "ses", "action": "UpdateReceiptRule", "fault": "throttle", "times": 2})
    receive("a", "b")
    reconcile(DOMAIN)
    assert [entry["status"] for entry in a.journal()] == [400, 400, 200]
    assert not pending_domains().exists()


@pytest.mark.parametrize("fault", ["throttle", "fail", "dropped", "lost"])
def test_a_transient_failure_is_owed_and_paid_when_its_turn_comes(a, fault):
    a.add_faults({"service": "ses", "action": "*", "fault": fault, "times": 0})
    receive("a", "b")
    with shared_deadline(1):
        reconcile(DOMAIN)
    sync = pending_domains().get()
    assert (sync.stalled, sync.attempts > 0, sync.retry_at is not None) == (False, True, True)
    a.clear_faults()
    due()
    reconcile_due()
    assert rules() == {RULE: {"a@example.com", "b@example.com"}}
    assert not DomainSync.objects.get().pending


def test_what_nobody_answers_stays_in_doubt_until_it_can_no_longer_land(a, settings):
    settings.SES_CALL_SETTLE_SECONDS = 60
    a.add_faults({"service": "ses", "action": "UpdateReceiptRule", "fault": "dropped"})
    receive("a", "b")
    with shared_deadline(0.2):
        reconcile(DOMAIN)
    until = InFlightCall.objects.get().until
    assert timedelta(seconds=60) < until - timezone.now() <= timedelta(seconds=70)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"fault": "access_denied"}, "AWS does not allow this call; the credentials lack a permission."),
        ({"fault": "error", "code": "LimitExceeded", "message": "Too many actions"}, "A quota of SES is used up."),
        (
            {"fault": "error", "code": "InvalidParameterValue", "message": "Invalid recipient: secret@example.com"},
            "AWS does not accept a value, most likely a recipient.",
        ),
    ],
)
def test_what_only_a_person_can_mend_needs_attention_and_is_tried_at_the_long_interval(a, fault, sentence):
    a.add_faults({"service": "ses", "action": "UpdateReceiptRule", **fault})
    receive("a", "b")
    started = time.monotonic()
    reconcile(DOMAIN)
    assert time.monotonic() - started < 2  # nothing to wait for
    sync = pending_domains().get()
    assert (sync.stalled, sync.last_error) == (True, sentence)
    assert sync.retry_at - timezone.now() > timedelta(minutes=14)


def test_a_change_makes_its_domain_s_turn_come_at_once(a):
    a.add_faults({"service": "ses", "action": "UpdateReceiptRule", "fault": "access_denied"})
    receive("a", "b")
    reconcile(DOMAIN)
    receive("a", "b", "c")
    reconcile(DOMAIN)
    assert not pending_domains().exists()


def test_one_bad_domain_holds_nobody_up(ses):
    ses.add_faults({"service": "sesv2", "action": "CreateEmailIdentity", "fault": "access_denied"})
    receive("a", domain="bad.org")
    receive("a", domain="good.org")
    reconcile_due()
    assert rules() == {"inbound-bad.org-rule": {"a@bad.org"}, "inbound-good.org-rule": {"a@good.org"}}
    assert [sync.domain for sync in pending_domains()] == ["bad.org"]


def test_the_first_success_after_an_outage_makes_everybody_s_turn_come(ses):
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


def test_a_spent_budget_calls_nothing_and_loses_nothing(a):
    receive("a", "b")
    with shared_deadline(0):
        reconcile(DOMAIN)
    assert a.journal() == []
    assert pending_domains().get().retry_at is None


def test_a_dead_holder_s_lease_ends_by_itself(a):
    Lease.objects.update(holder="dead", expires_at=timezone.now() + timedelta(seconds=30))
    receive("a", "b")
    with shared_deadline(0.3):
        reconcile(DOMAIN)
    assert a.journal() == []
    Lease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    reconcile(DOMAIN)
    assert calls(a) == ["UpdateReceiptRule"]


def test_without_a_bucket_nothing_is_put_and_removals_still_go(a, settings):
    settings.S3_BUCKET_NAME = ""
    receive("a", "b")
    reconcile(DOMAIN)
    assert pending_domains().get().last_error == "S3_BUCKET_NAME is missing."
    receive()
    reconcile(DOMAIN)
    assert calls(a) == ["DeleteReceiptRule"]


def test_without_a_region_the_change_is_owed(settings, rows, transactional_db, aws):
    settings.AWS_REGION = ""
    receive("a")
    reconcile(DOMAIN)
    assert pending_domains().get().last_error == "AWS region or credentials are missing."
    assert aws.journal() == []


def test_a_missing_rule_set_needs_attention(aws, transactional_db, rows):
    receive("a")
    reconcile(DOMAIN)
    assert pending_domains().get().last_error == "The receipt rule set does not exist; run ses_setup."


def test_on_the_emulator_a_missing_rule_set_is_made_again(aws, transactional_db, rows, settings):
    settings.SES_AUTO_SETUP = True
    receive("a")
    reconcile(DOMAIN)
    assert rules() == {RULE: {"a@example.com"}}


def test_a_rolled_back_change_calls_nothing(a):
    with transaction.atomic():
        outbox.mark_dirty(DOMAIN)
        transaction.set_rollback(True)
    assert a.journal() == []
    assert not pending_domains().exists()


def test_an_identity_that_somebody_else_made_is_used_and_kept(ses):
    import boto3

    boto3.client("sesv2", region_name="eu-west-1").create_email_identity(EmailIdentity=DOMAIN)
    receive("a")
    reconcile(DOMAIN)
    remove()
    reconcile(DOMAIN)
    assert (rules(), identities()) == ({}, {DOMAIN})
    assert confirmation.domain_state(DOMAIN).identity_kept


def test_an_identity_of_an_earlier_life_of_this_installation_is_ours(ses):
    import boto3

    boto3.client("sesv2", region_name="eu-west-1").create_email_identity(
        EmailIdentity=DOMAIN, Tags=[{"Key": "inbound", "Value": "inbound"}]
    )
    receive("a")
    reconcile(DOMAIN)
    remove()
    reconcile(DOMAIN)
    assert identities() == set()


def test_who_has_no_time_for_the_next_slot_does_not_come_again_and_again(a, settings):
    settings.SES_CALLS_PER_SECOND = 0.001
    receive("a", "b")
    reconcile(DOMAIN)  # takes the slot
    receive("a")
    before = Lease.objects.get().fence
    with shared_deadline(0.5):
        reconcile(DOMAIN)
    assert Lease.objects.get().fence == before + 1


def test_a_mail_from_domain_that_is_refused_holds_nothing_up(ses):
    ses.add_faults({"service": "ses", "action": "SetIdentityMailFromDomain", "fault": "access_denied"})
    receive("a")
    reconcile(DOMAIN)
    assert not pending_domains().exists()
    assert recorded_identities([DOMAIN])[DOMAIN].mail_from_status == "Failed"


def test_a_rule_that_another_domain_has_needs_attention(ses):
    receive("a", domain="x.com", catch_all=True)
    reconcile("x.com")
    receive("b", domain="x.com-catchall")
    reconcile("x.com-catchall")
    assert pending_domains().get().last_error == "Another domain has a rule of this name."
    assert rules() == {"inbound-x.com-catchall-rule": {"x.com"}}


def test_the_worker_leaves_what_a_request_has_served_meanwhile(a):
    receive("a", "b")
    stops = iter([False, False, True])

    def serve_and_go_on():
        reconcile(DOMAIN)
        return next(stops)

    assert reconcile_due(serve_and_go_on) == 0
    assert calls(a) == ["UpdateReceiptRule"]


def test_the_worker_s_other_steps_get_their_turn(a):
    for domain in ("one.org", "two.org"):
        receive("a", domain=domain)
    assert reconcile_due(seconds=0) == 0
    assert reconcile_due() == 2


@pytest.mark.parametrize("code", ["InvalidClientTokenId", "ExpiredToken"])
def test_a_mail_from_domain_that_nobody_was_asked_for_is_still_owed(ses, rows, code):
    """Nobody knows who asked: SES has judged nothing."""
    ses.add_faults({"service": "ses", "action": "SetIdentityMailFromDomain", "fault": "error", "code": code})
    receive()
    reconcile(DOMAIN)
    assert recorded_identities([DOMAIN])[DOMAIN].mail_from_domain == ""
    assert pending_reason(DOMAIN).error == "AWS does not accept the credentials."
    due()
    reconcile_due()
    assert recorded_identities([DOMAIN])[DOMAIN].mail_from_domain == "mail.example.com"


def test_a_connection_that_the_database_takes_away_is_no_error_of_the_change(a):
    """A machine that slept in the middle of a transaction finds its connection closed when it wakes."""
    receive("a", "b")
    held = lease.acquire(ses_config())
    errors = [OperationalError("the connection is closed")]

    def wake(execute, *arguments):
        if errors:
            raise errors.pop()
        return execute(*arguments)

    with connection.execute_wrapper(wake):
        assert with_lease(ses_config(), held, DOMAIN, time.monotonic() + 5)
        reconcile(DOMAIN)
    assert not pending_domains().exists()


def test_an_identity_that_another_installation_has_made_since_is_theirs(a):
    """SES knows the name again, with another tag: nobody may delete it for having made its predecessor."""
    sesv2 = clients.sesv2("eu-west-1")
    sesv2.delete_email_identity(EmailIdentity=DOMAIN)
    sesv2.create_email_identity(EmailIdentity=DOMAIN, Tags=[{"Key": "inbound", "Value": "the-other-one"}])
    assert check_identity(DOMAIN).ours is False
    remove()
    reconcile(DOMAIN)
    assert (rules(), identities()) == ({}, {DOMAIN})
    assert confirmation.domain_state(DOMAIN).identity_kept
