"""The reconcile loop of requests and of the worker, without failures of SES."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from ses_integration.conf import ses_config
from ses_integration.coordination import lease
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.models import DomainSync, Lease
from ses_integration.reconcile import outbox, step
from ses_integration.reconcile.loop import reconcile, reconcile_due, serve
from ses_integration.reconcile.values import Intent, PassState, Settled, Wait
from ses_integration.status import confirmation
from ses_integration.status.sync_state import pending_domains
from ses_integration.tests.support.fake_domains import DOMAIN, receive, remove
from ses_integration.tests.support.ses_state import calls, identities, rules

RULE = "inbound-example.com-rule"
pytestmark = pytest.mark.usefixtures("rows")


def test_new_domain_with_an_address_takes_four_calls(ses):
    receive("a")
    reconcile(DOMAIN)
    assert calls(ses) == [
        "CreateEmailIdentity",
        "VerifyDomainIdentity",
        "SetIdentityMailFromDomain",
        "CreateReceiptRule",
    ]
    assert rules() == {RULE: {"a@example.com"}}


def test_reconciling_again_makes_no_call(ses_with_a):
    reconcile(DOMAIN)
    receive("a")  # a change that changes nothing
    reconcile(DOMAIN)
    assert ses_with_a.journal() == []


def test_changes_that_wait_together_take_one_call(ses_with_a):
    for local_parts in ("ab", "abc", "bc"):
        receive(*local_parts)
    reconcile(DOMAIN)
    assert calls(ses_with_a) == ["UpdateReceiptRule"]
    assert rules() == {RULE: {"b@example.com", "c@example.com"}}


def test_pass_waits_for_more_changes_if_several_were_observed_together_a_moment_ago(ses_with_a):
    for local_parts in ("ab", "abc"):
        receive(*local_parts)
    reconcile(DOMAIN)
    receive("a", "b")
    state = PassState(ses_config(), DOMAIN)
    assert step.advance(state) == Wait(step.BATCH_SECONDS, outbox.generation(DOMAIN))
    lease.release(state.holder)
    DomainSync.objects.update(batch_until=timezone.now() - timedelta(seconds=1))
    assert isinstance(step.advance(PassState(ses_config(), DOMAIN)), Intent)


def test_pass_does_not_wait_after_a_single_change(ses_with_a):
    receive("a", "b")
    reconcile(DOMAIN)
    receive("a")
    assert isinstance(step.advance(PassState(ses_config(), DOMAIN)), Intent)


def test_pass_waits_a_moment_for_other_changes_if_slots_of_the_rate_limit_are_rare(ses_with_a, settings):
    settings.SES_CALLS_PER_SECOND = 1
    receive("a", "b")
    state = PassState(ses_config(), DOMAIN)
    assert step.advance(state) == Wait(step.GATHER_SECONDS, outbox.generation(DOMAIN))
    assert isinstance(step.advance(replace(state, has_waited=True)), Intent)


@pytest.mark.parametrize("calls_per_second", [0, 25])
def test_pass_does_not_wait_if_the_next_slot_comes_soon(ses_with_a, settings, calls_per_second):
    settings.SES_CALLS_PER_SECOND = calls_per_second
    receive("a", "b")
    assert isinstance(step.advance(PassState(ses_config(), DOMAIN)), Intent)


def test_pass_waits_once_before_its_first_call(ses_with_a, settings):
    settings.SES_CALLS_PER_SECOND = 1
    receive("a", "b")
    served, last = serve(state := PassState(ses_config(), DOMAIN), time.monotonic() + 5)
    assert (served, last) == (DOMAIN, Settled(outbox.generation(DOMAIN)))
    assert (state.has_waited, calls(ses_with_a)) == (True, ["UpdateReceiptRule"])


def test_removed_domain_leaves_nothing_in_ses(ses_with_a):
    remove()
    reconcile(DOMAIN)
    assert calls(ses_with_a) == ["DeleteReceiptRule", "DeleteEmailIdentity"]
    assert (rules(), identities()) == ({}, set())
    assert confirmation.domain_state(DOMAIN) == confirmation.DomainState(
        DOMAIN, rules_gone=True, identity_gone=True, identity_ours=None
    )


def test_without_time_no_call_is_made_and_the_change_stays_pending(ses_with_a):
    receive("a", "b")
    with shared_deadline(0):
        reconcile(DOMAIN)
    assert ses_with_a.journal() == []
    assert pending_domains().get().retry_at is None


def test_lease_of_a_dead_holder_expires(ses_with_a):
    Lease.objects.update(holder="dead", expires_at=timezone.now() + timedelta(seconds=30))
    receive("a", "b")
    with shared_deadline(0.3):
        reconcile(DOMAIN)
    assert ses_with_a.journal() == []
    Lease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    reconcile(DOMAIN)
    assert calls(ses_with_a) == ["UpdateReceiptRule"]


def test_rolled_back_change_makes_no_call(ses_with_a):
    with transaction.atomic():
        outbox.mark_dirty(DOMAIN)
        transaction.set_rollback(True)
    assert ses_with_a.journal() == []
    assert not pending_domains().exists()


def test_request_without_time_for_the_next_slot_gives_up(ses_with_a, settings):
    settings.SES_CALLS_PER_SECOND = 0.001
    receive("a", "b")
    reconcile(DOMAIN)  # takes the slot
    receive("a")
    before = Lease.objects.get().fence
    with shared_deadline(0.5):
        reconcile(DOMAIN)
    assert Lease.objects.get().fence == before + 1


def test_worker_skips_a_domain_that_a_request_has_served(ses_with_a):
    receive("a", "b")
    stops = iter([False, False, True])

    def serve_by_request():
        reconcile(DOMAIN)
        return next(stops)

    assert reconcile_due(serve_by_request) == 0
    assert calls(ses_with_a) == ["UpdateReceiptRule"]


def test_worker_stops_when_its_time_is_over(ses_with_a):
    for domain in ("one.org", "two.org"):
        receive("a", domain=domain)
    assert reconcile_due(seconds=0) == 0
    assert reconcile_due() == 2


def test_lost_database_connection_does_not_fail_the_change(ses_with_a):
    """A host that was suspended in a transaction finds its connection closed."""
    receive("a", "b")
    held = lease.acquire(ses_config())
    errors = [OperationalError("the connection is closed")]

    def fail_once(execute, *arguments):
        if errors:
            raise errors.pop()
        return execute(*arguments)

    with connection.execute_wrapper(fail_once):
        serve(PassState(ses_config(), DOMAIN, held), time.monotonic() + 5)
        reconcile(DOMAIN)
    assert not pending_domains().exists()
