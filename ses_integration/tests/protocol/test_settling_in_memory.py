"""Settling a domain from memory when the answer to a call arrives. Counterexamples 25 to 28."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import pytest
from django.db.models import F

from ses_integration.errors import Refused
from ses_integration.models import DomainSync, InFlightCall
from ses_integration.plan.resources import Operation
from ses_integration.reconcile import queue, record, snapshot, step
from ses_integration.reconcile.outbox import generation
from ses_integration.reconcile.values import Answer, Answered, Intent, Settled, Wait
from ses_integration.tests.protocol.test_generations import every_success_advances
from ses_integration.tests.support.counterexamples import claim, counterexample, patched
from ses_integration.tests.support.expectations import A, B, claim_no_false_report, ses_holds
from ses_integration.tests.support.fake_domains import DOMAIN, receive, remove
from ses_integration.tests.support.protocol_steps import Writer, run_worker
from ses_integration.tests.support.ses_state import calls, identities, rules

pytestmark = pytest.mark.sqlite


@contextmanager
def any_generation_settles():
    """An answer that leaves nothing to do settles the domain, even if its rows have changed since the plan."""

    def settle(planned):
        return DomainSync.objects.filter(pk=planned.sync_id).update(observed_generation=F("generation")) > 0

    with patched(step, _settle=settle):
        yield


@contextmanager
def memory_is_used_for_any_generation():
    """The next call is planned from what the pass has in memory, even if the rows have changed since."""
    with_resource, load = snapshot.Snapshot.with_resource, snapshot.Snapshot.load
    remembered = {}

    def remember(planned, resource):
        remembered[planned.domain] = with_resource(planned, resource)
        return remembered[planned.domain]

    def recall(config, locked):
        planned = remembered.get(locked.domain)
        return replace(planned, generation=locked.generation) if planned else load(config, locked)

    with patched(snapshot.Snapshot, with_resource=remember, load=staticmethod(recall)):
        yield


@contextmanager
def generation_is_not_compared():
    """The next call is planned from memory without looking at the generation."""
    proceed, lock = step._continue, queue.lock

    def continue_blindly(state, answered, *, may_call):
        def lock_as_planned(config, domain):
            return replace(lock(config, domain), generation=answered.intent.generation)

        with patched(queue, lock=lock_as_planned):
            return proceed(state, answered, may_call=may_call)

    with patched(step, _continue=continue_blindly):
        yield


@contextmanager
def memory_takes_any_answer_for_a_success():
    """The ledger records what was answered, but the plan in memory takes every answer for a success."""
    proceed, with_resource = step._continue, snapshot.Snapshot.with_resource

    def continue_hopefully(state, answered, *, may_call):
        success = record.after(Answered(answered.intent, Answer()))
        with patched(snapshot.Snapshot, with_resource=lambda planned, _: with_resource(planned, success)):
            return proceed(state, answered, may_call=may_call)

    with patched(step, _continue=continue_hopefully):
        yield


@contextmanager
def first_success_settles():
    """The first success settles the domain, even if other calls are left, as long as no row has changed."""

    def unchanged(answered):
        planned = answered.intent.snapshot
        return DomainSync.objects.filter(domain=planned.domain, generation=planned.generation)

    with every_success_advances(unchanged):
        yield


@counterexample(25, any_generation_settles)
def test_25_change_committed_during_a_call_keeps_the_domain_dirty(ses_with_a):
    receive()
    x = Writer()
    x.plan()
    answer = x.send()
    receive("b")
    x.record(answer)
    run_worker()
    with claim("SES gets Y's change."):
        assert ses_holds(B)


@counterexample(26, memory_is_used_for_any_generation, generation_is_not_compared)
def test_26_next_call_is_planned_from_the_rows_if_they_have_changed(ses_with_a):
    receive()
    x = Writer()
    x.plan()
    answer = x.send()
    receive("b")
    following = x.record_and_plan(answer)
    run_worker()
    with claim("The next call makes Y's change, and SES gets it."):
        assert isinstance(following, Intent)
        assert following.call.rule.recipients == {B}
        assert ses_holds(B)


@counterexample(27, memory_takes_any_answer_for_a_success)
def test_27_refused_call_settles_nothing(ses_with_a):
    receive()
    x = Writer()
    x.plan()
    x.record(Answer(error=Refused("throttled")))
    claim_no_false_report(A)
    run_worker()
    assert ses_holds()


@counterexample(28, first_success_settles)
def test_28_success_of_one_call_does_not_settle_the_others(ses_with_a):
    remove()
    x = Writer()
    x.call()
    assert (rules(), identities()) == ({}, {DOMAIN})
    run_worker()
    with claim("SES follows the rows without a sweep."):
        assert identities() == set()


def test_last_answer_settles_the_domain_and_gives_the_lease_back_in_one_transaction(ses_with_a):
    receive("a", "b")
    x = Writer()
    x.plan()
    assert x.record_and_plan(x.send()) == Settled(generation(DOMAIN))
    assert x.held.released
    assert not DomainSync.objects.get().pending


def test_answer_and_next_intent_are_written_in_one_transaction(ses_with_a):
    remove()
    x = Writer()
    x.plan()
    following = x.record_and_plan(x.send())
    assert isinstance(following, Intent)
    assert InFlightCall.objects.get().operation == Operation.DELETE_IDENTITY
    assert x.record_and_plan(x.send()) == Settled(generation(DOMAIN))
    assert calls(ses_with_a) == ["DeleteReceiptRule", "DeleteEmailIdentity"]


def test_answer_is_recorded_although_there_is_no_time_for_the_next_call(ses_with_a):
    remove()
    x = Writer()
    x.plan()
    assert x.record(x.send()) == Wait(0.0)
    assert not InFlightCall.objects.exists()
