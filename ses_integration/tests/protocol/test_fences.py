"""Who has lost the lease records nothing and claims nothing; `true` needs more than a generation: counterexamples 9 to 11."""

from __future__ import annotations

from contextlib import contextmanager, suppress

import pytest

from ses_integration.coordination import lease
from ses_integration.coordination.lease import LeaseLost
from ses_integration.models import DomainSync, InFlightCall
from ses_integration.plan.resources import Operation, Presence
from ses_integration.reconcile import record as recording
from ses_integration.reconcile.outbox import generation
from ses_integration.status import confirmation
from ses_integration.tests.fake_domains import DOMAIN, receive
from ses_integration.tests.protocol.counterexamples import claim, counterexample, instead
from ses_integration.tests.protocol.expectations import RULE, A, B, held, in_line
from ses_integration.tests.protocol_steps import Writer, ledger_of, said_gone, settle, worker

pytestmark = pytest.mark.sqlite


@contextmanager
def an_answer_without_a_fence():
    """T3 doesn't ask whose lease it is."""
    with instead(lease, verify=lambda held: None):
        yield


@contextmanager
def an_own_success_is_believed():
    """Whoever's own call was answered with success, and left the address out, says that it is gone: lease or no lease."""
    record, recipient_gone = recording.record, confirmation.recipient_gone
    sent = []

    def remember(config, held, intent, answer):
        if answer.error is None and intent.call.rule is not None:
            sent.append(intent.call.rule.recipients)
        record(config, held, intent, answer)

    def gone(domain, address, generation):
        return any(address not in recipients for recipients in sent) or recipient_gone(domain, address, generation)

    with instead(recording, record=remember), instead(confirmation, recipient_gone=gone):
        yield


@contextmanager
def a_generation_is_proof_enough():
    """W looks at the applied generation, and not at the calls that may still land."""

    def gone(domain, address, generation):
        return DomainSync.objects.filter(domain=domain, observed_generation__gte=generation).exists()

    with instead(confirmation, recipient_gone=gone):
        yield


@counterexample(9, an_answer_without_a_fence)
def test_9_a_holder_that_lost_the_lease_records_nothing(start):
    receive()
    x = Writer()
    x.plan()  # a Delete, which is slow
    receive("b")
    Writer().finish()
    assert in_line(B)
    answer = x.send()
    assert in_line()
    with suppress(LeaseLost):
        x.record(answer)
    settle()
    worker()
    with claim("SES follows the rows again."):
        assert in_line(B)


def test_an_answer_of_a_holder_that_lost_the_lease_changes_nothing(start):
    receive()
    x = Writer()
    x.plan()
    answer = x.send()
    receive("b")
    Writer().finish()
    with pytest.raises(LeaseLost):
        x.record(answer)
    assert ledger_of(RULE).presence == Presence.PRESENT
    assert InFlightCall.objects.get().operation == Operation.DELETE_RULE


@counterexample(10, an_own_success_is_believed)
def test_10_an_own_call_that_succeeded_after_the_lease_was_lost_confirms_nothing(start):
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
    assert in_line(B)
    Writer()  # the worker takes over before X can record
    y.lands(late)
    assert in_line(A, B)
    with suppress(LeaseLost):
        x.record(answer)
    with claim("Nobody is told that a is gone while SES holds it."):
        assert not (said_gone(A, gone) and A in held())
    worker()
    assert in_line(B)


@counterexample(11, a_generation_is_proof_enough)
def test_11_an_applied_generation_does_not_confirm_while_an_older_call_may_bring_the_address_back(start):
    receive("a", "b")
    y = Writer()
    late = y.call_without_answer()
    receive("b")
    gone = generation(DOMAIN)
    Writer().finish()
    assert in_line(B)
    assert DomainSync.objects.get().observed_generation >= gone
    said = said_gone(A, gone)
    y.lands(late)
    with claim("What was said to be gone does not come back."):
        assert not (said and A in held())
    settle()
    worker()
    assert said_gone(A, gone)
    assert in_line(B)
