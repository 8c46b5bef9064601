"""Several calls of one ledger entry in flight: each has its own row. Counterexamples 4, 5, 21 and 23.

A late call is applied after its sender gave up.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

from ses_integration.coordination import lease
from ses_integration.coordination.clock import database_now
from ses_integration.errors import Refused
from ses_integration.models import InFlightCall
from ses_integration.plan.resources import Operation
from ses_integration.reconcile import step
from ses_integration.reconcile.outbox import generation
from ses_integration.reconcile.values import Answered
from ses_integration.tests.protocol.test_unanswered_calls import timeout_is_a_failure
from ses_integration.tests.support.counterexamples import counterexample, patched
from ses_integration.tests.support.expectations import A, B, claim_no_false_report, claim_ses_follows, ses_holds
from ses_integration.tests.support.fake_domains import DOMAIN, receive
from ses_integration.tests.support.protocol_steps import (
    Writer,
    is_reported_gone,
    run_worker,
    run_worker_and_database_sweep,
    settle_calls,
)


@contextmanager
def success_clears(calls):
    """A successful call clears those in-flight `calls` of its ledger entry that are found when its answer comes."""
    advance = step.advance

    def clear(state, answered=None, **options):
        if answered is not None:
            found = calls().filter(entry=answered.intent.entry_id).values_list("pk", flat=True)
            answered = Answered(replace(answered.intent, clears=tuple(found)), answered.answer)
        return advance(state, answered, **options)

    with patched(step, advance=clear):
        yield


@contextmanager
def success_clears_all_calls():
    """A successful call clears all in-flight calls of its ledger entry."""
    with success_clears(InFlightCall.objects.all):
        yield


@contextmanager
def success_clears_calls_that_are_due_at_the_answer():
    """A successful call clears the calls that are due when its answer comes, instead of when its intent was written."""
    with success_clears(lambda: InFlightCall.objects.filter(until__lte=database_now())):
        yield


@contextmanager
def long_lease_instead_of_calls_in_flight():
    """A timeout leaves nothing in flight; instead the lease is longer than a call can be applied."""
    with patched(lease, LEASE_SECONDS=3600), timeout_is_a_failure():
        yield


@contextmanager
def refusal_clears_all_calls():
    """A refused call clears all in-flight calls of its ledger entry."""
    advance = step.advance

    def clear(state, answered=None, **options):
        found = advance(state, answered, **options)
        if answered is not None and isinstance(answered.answer.error, Refused):
            InFlightCall.objects.filter(entry=answered.intent.entry_id).delete()
        return found

    with patched(step, advance=clear):
        yield


@counterexample(4, success_clears_all_calls)
def test_4_confirmed_call_does_not_clear_older_calls_that_may_still_be_applied(ses_with_a):
    receive()
    x = Writer()
    late = x.call_without_answer()
    receive("b")
    Writer().finish()  # the successor repeats it at once
    assert ses_holds(B)
    x.apply_late(late)
    settle_calls()
    run_worker_and_database_sweep()
    claim_ses_follows(B)


@counterexample(5, success_clears_calls_that_are_due_at_the_answer)
def test_5_call_that_becomes_due_after_the_intent_was_written_stays_in_flight(ses_with_a):
    receive()
    x = Writer()
    late = x.call_without_answer()
    receive("b")
    x.plan()
    answer = x.send()
    assert ses_holds(B)
    x.apply_late(late)
    settle_calls(late)  # before the answer comes
    x.record(answer)
    run_worker_and_database_sweep()
    claim_ses_follows(B)


@counterexample(21, long_lease_instead_of_calls_in_flight)
def test_21_own_unanswered_call_stays_in_flight_during_the_next_call(ses_with_a):
    receive()
    x = Writer()
    late = x.call_without_answer()
    receive("b")
    x.finish()  # the same holder, whose first call is still in flight
    assert ses_holds(B)
    x.apply_late(late)
    settle_calls()  # the next holder of a long lease would start here
    run_worker_and_database_sweep()
    claim_ses_follows(B)


@counterexample(23, refusal_clears_all_calls)
def test_23_refusal_clears_its_own_call_and_no_older_one(ses_with_a):
    receive("a", "b")
    y = Writer()
    late = y.call_without_answer()
    receive("b")
    gone = generation(DOMAIN)
    Writer().finish()
    assert ses_holds(B)
    y.apply_late(late)
    settle_calls()
    Writer().call_refused()
    claim_no_false_report(A, gone)
    run_worker()
    assert ses_holds(B)
    assert is_reported_gone(A, gone)


def test_confirmed_call_clears_itself_and_keeps_older_calls(ses_with_a):
    receive()
    x = Writer()
    x.call_without_answer()
    x.call()
    assert InFlightCall.objects.get().operation == Operation.DELETE_RULE
