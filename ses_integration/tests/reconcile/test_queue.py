"""Fairness: a domain with a long plan, with failures or under a lock does not hold up the others."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from ses_integration.conf import ses_config
from ses_integration.coordination import lease
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.emulator.server import Emulator
from ses_integration.errors import Refused
from ses_integration.models import DomainSync, InFlightCall, Lease, LedgerEntry
from ses_integration.reconcile import backoff, step
from ses_integration.reconcile.loop import reconcile, reconcile_due, serve
from ses_integration.reconcile.values import Blocked, Intent, PassState
from ses_integration.status.sync_state import pending_domains
from ses_integration.tests.support.fake_domains import DOMAIN, after_reading, receive
from ses_integration.tests.support.second_connection import locked_elsewhere
from ses_integration.tests.support.ses_state import calls, rules

OTHER = "other.org"
LONG = "abcdefgh"
pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("rows")]


@pytest.fixture
def one_address_per_rule(ses: Emulator, settings) -> Emulator:
    settings.SES_MAX_RECIPIENTS_PER_RULE = 1
    return ses


def one_pass(domain: str = DOMAIN) -> None:
    held = lease.acquire(ses_config())
    assert held is not None
    serve(PassState(ses_config(), domain, held), time.monotonic() + 20)


def test_long_plan_yields_after_each_call_to_waiting_domains(one_address_per_rule):
    receive(*LONG)
    receive("x", domain=OTHER)
    one_pass()
    assert calls(one_address_per_rule) == ["CreateEmailIdentity"]
    assert DomainSync.objects.order_by("queued_at").first().domain == OTHER
    reconcile_due()
    while pending_domains().exists():
        reconcile_due()
    assert len(rules()) == len(LONG) + 1


def test_long_plan_runs_to_its_end_when_nobody_waits(one_address_per_rule):
    receive(*LONG)
    one_pass()
    assert not pending_domains().exists()
    assert calls(one_address_per_rule).count("CreateReceiptRule") == len(LONG)


def test_creation_of_a_domain_is_done_in_one_pass(ses):
    """Two new domains that took turns would both be late."""
    receive("a")
    receive("x", domain=OTHER)
    one_pass()
    assert set(rules()) == {"inbound-example.com-rule"}
    assert not DomainSync.objects.get(domain=DOMAIN).pending


@pytest.mark.parametrize("fault", ["throttle", "dropped"])
def test_during_an_outage_a_pass_stops_after_three_calls(one_address_per_rule, fault):
    receive(*LONG)
    one_pass()
    one_address_per_rule.clear_journal()
    one_address_per_rule.add_faults({"service": "*", "action": "*", "fault": fault, "times": None})
    receive()
    one_pass()
    assert calls(one_address_per_rule) == ["DeleteReceiptRule"] * 3
    assert DomainSync.objects.get().retry_at
    assert InFlightCall.objects.count() == (3 if fault == "dropped" else 0)


def test_calls_that_always_fail_hold_up_the_others_only_for_a_while(one_address_per_rule):
    receive(*LONG)
    one_pass()
    names = sorted(rules())
    for _ in range(2):
        # The first three calls of each pass fail.
        one_address_per_rule.clear_faults()
        one_address_per_rule.add_faults({"service": "ses", "action": "DeleteReceiptRule", "fault": "fail", "times": 3})
        receive()
        one_pass()
    assert sorted(rules()) == names[:3]


def test_refused_repetition_of_a_due_call_waits_for_its_retry(ses):
    """A due call is repeated, and the repetition is refused."""
    receive("a")
    one_pass()
    entry = LedgerEntry.objects.get(kind="rule")
    past = timezone.now() - timedelta(seconds=1)
    InFlightCall.objects.create(entry=entry, operation="update_rule", recipients=["a@example.com"], until=past, fence=1)
    ses.clear_journal()
    ses.add_faults({"service": "ses", "action": "*", "fault": "access_denied", "times": None})
    with shared_deadline(1.0):
        reconcile(DOMAIN)
    assert calls(ses) == ["UpdateReceiptRule"]


def test_lasting_failures_of_some_rules_do_not_hold_up_the_others(one_address_per_rule):
    one_address_per_rule.add_faults(
        {"service": "ses", "action": "CreateReceiptRule", "fault": "access_denied", "skip": 0, "times": 5}
    )
    receive(*LONG)
    one_pass()
    assert len(rules()) == len(LONG) - 5


def fail():
    raise ZeroDivisionError


def test_bug_in_a_pass_is_logged_and_does_not_hold_up_other_domains(ses):
    receive("a")
    receive("x", domain=OTHER)
    after_reading.append(fail)
    with shared_deadline(0.2):
        reconcile(DOMAIN)
    sync = DomainSync.objects.get(last_error="Internal error in inbound; see its log.")
    assert sync.retry_at
    assert not sync.stalled
    DomainSync.objects.update(retry_at=None)
    after_reading.append(fail)
    reconcile_due()
    assert pending_domains().count() == 1
    DomainSync.objects.update(retry_at=None)
    reconcile_due()
    assert not pending_domains().exists()


@pytest.mark.postgresql
def test_locked_domain_does_not_hold_up_others(ses):
    receive("a")
    receive("x", domain=OTHER)
    with locked_elsewhere(DomainSync.objects.get(domain=DOMAIN)):
        reconcile(OTHER)
        assert set(rules()) == {"inbound-other.org-rule"}
        # Recording a failure does not wait for the lock either: the change makes the domain due anyway.
        backoff.postpone(ses_config(), DOMAIN, [Refused("throttled")], Blocked(1, until=None))
    assert DomainSync.objects.get(domain=DOMAIN).attempts == 0


@pytest.mark.postgresql
def test_request_for_a_locked_domain_waits_without_the_lease(ses_with_a):
    receive("a", "b")
    with locked_elsewhere(DomainSync.objects.get()), shared_deadline(0.1):
        assert not reconcile(DOMAIN)
    sync = DomainSync.objects.get()
    assert (sync.last_error, sync.retry_at) == ("", None)
    assert Lease.objects.get().holder == ""
    assert reconcile(DOMAIN)
    assert calls(ses_with_a) == ["UpdateReceiptRule"]


def test_busy_domain_does_not_wait_for_more_changes_while_others_wait(ses_with_a):
    receive("a", "b")
    receive("x", domain=OTHER)
    DomainSync.objects.filter(domain=DOMAIN).update(batch_until=timezone.now() + timedelta(minutes=1))
    # The other domain is left to the worker, so this one has to be served.
    DomainSync.objects.filter(domain=OTHER).update(queued_at=timezone.now() - timedelta(hours=1))
    assert isinstance(step.advance(PassState(ses_config(), DOMAIN)), Intent)
