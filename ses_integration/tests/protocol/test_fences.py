"""A process that has lost the lease records and confirms nothing. Counterexamples 9 to 11."""

from __future__ import annotations

from contextlib import contextmanager, suppress

import pytest

from ses_integration.coordination import lease
from ses_integration.coordination.lease import LeaseLost
from ses_integration.models import DomainSync, InFlightCall
from ses_integration.plan.resources import Operation, Presence
from ses_integration.reconcile import step
from ses_integration.reconcile.outbox import generation
from ses_integration.status import confirmation
from ses_integration.tests.support.counterexamples import claim, counterexample, patched
from ses_integration.tests.support.expectations import RULE, A, B, claim_no_false_report, recipients_in_ses, ses_holds
from ses_integration.tests.support.fake_domains import DOMAIN, receive
from ses_integration.tests.support.protocol_steps import (
    Writer,
    is_reported_gone,
    ledger_entry,
    run_worker,
    settle_calls,
)

pytestmark = pytest.mark.sqlite


@contextmanager
def answer_is_recorded_without_a_fence():
    """The answer is recorded without checking the lease."""
    with patched(lease, renew=lambda held: None, hand_back=lambda held: None):
        yield


@contextmanager
def own_success_confirms():
    """An own successful call without the address confirms its removal, even if the lease was lost."""
    advance, recipients_left = step.advance, confirmation.recipients_left
    sent = []

    def remember(state, answered=None, **options):
        if answered is not None and answered.answer.error is None and answered.intent.call.rule is not None:
            sent.append(answered.intent.call.rule.recipients)
        return advance(state, answered, **options)

    def left(domain, addresses, generation):
        return recipients_left(domain, addresses, generation).intersection(*sent)

    with patched(step, advance=remember), patched(confirmation, recipients_left=left):
        yield


@contextmanager
def generation_alone_confirms():
    """A removal is confirmed by the observed generation, whatever calls are in flight."""

    def left(domain, addresses, generation):
        is_observed = DomainSync.objects.filter(domain=domain, observed_generation__gte=generation).exists()
        return set() if is_observed else set(addresses)

    with patched(confirmation, recipients_left=left):
        yield


@counterexample(9, answer_is_recorded_without_a_fence)
def test_9_holder_that_lost_the_lease_records_nothing(ses_with_a):
    receive()
    x = Writer()
    x.plan()  # a delete, which is slow
    receive("b")
    Writer().finish()
    assert ses_holds(B)
    answer = x.send()
    assert ses_holds()
    with suppress(LeaseLost):
        x.record(answer)
    settle_calls()
    run_worker()
    with claim("SES follows the rows again."):
        assert ses_holds(B)


def test_answer_after_the_lease_was_lost_changes_nothing(ses_with_a):
    receive()
    x = Writer()
    x.plan()
    answer = x.send()
    receive("b")
    Writer().finish()
    with pytest.raises(LeaseLost):
        x.record(answer)
    assert ledger_entry(RULE).presence == Presence.PRESENT
    assert InFlightCall.objects.get().operation == Operation.DELETE_RULE


@counterexample(10, own_success_confirms)
def test_10_success_after_the_lease_was_lost_confirms_nothing(ses_with_a):
    receive("a", "b")
    y = Writer()
    y.plan()  # Update{a,b}, on its way
    late = y.intent
    receive("b")
    gone = generation(DOMAIN)
    x = Writer()
    x.plan()
    answer = x.send()
    assert answer.error is None
    assert ses_holds(B)
    Writer()  # the worker takes over before X can record
    y.apply_late(late)
    assert ses_holds(A, B)
    with suppress(LeaseLost):
        x.record(answer)
    claim_no_false_report(A, gone)
    run_worker()
    assert ses_holds(B)


@counterexample(11, generation_alone_confirms)
def test_11_observed_generation_alone_does_not_confirm_a_removal(ses_with_a):
    receive("a", "b")
    y = Writer()
    late = y.call_without_answer()
    receive("b")
    gone = generation(DOMAIN)
    Writer().finish()
    assert ses_holds(B)
    assert DomainSync.objects.get().observed_generation >= gone
    said = is_reported_gone(A, gone)
    y.apply_late(late)
    with claim("A recipient that was reported as gone does not come back."):
        assert not (said and A in recipients_in_ses())
    settle_calls()
    run_worker()
    assert is_reported_gone(A, gone)
    assert ses_holds(B)
