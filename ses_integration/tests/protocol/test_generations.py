"""When a change counts as observed: compiled under the lock of the DomainSync row, and answered. Counterexamples 8, 12 to 15."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from django.db import transaction
from django.db.models import F

from ses_integration.models import DomainSync
from ses_integration.reconcile import outbox, record, snapshot, step
from ses_integration.reconcile.outbox import generation
from ses_integration.reconcile.values import Answer, Answered
from ses_integration.tests.support.counterexamples import claim, counterexample, patched
from ses_integration.tests.support.expectations import A, B, claim_no_false_report, recipients_in_ses, ses_holds
from ses_integration.tests.support.fake_domains import DOMAIN, change_behind_our_back, receive
from ses_integration.tests.support.protocol_steps import Writer, is_reported_gone, run_worker
from ses_integration.tests.support.second_connection import commits_once_the_rows_are_read

pytestmark = pytest.mark.sqlite


class Killed(BaseException):
    """The process is killed."""


@contextmanager
def intent_is_recorded_as_done():
    """The intent records the call as successful, and a refusal does not change that."""
    write_down, after = step._write_intent, record.after

    def as_done(answered):
        return after(Answered(answered.intent, Answer()))

    def record_as_done(state, *chosen):
        intent = write_down(state, *chosen)
        done = Answered(intent, Answer())
        record.write(state.config, done, after(done), in_outage=False, forget=False)
        return intent

    with patched(step, _write_intent=record_as_done), patched(record, after=as_done):
        yield


@contextmanager
def every_success_advances(syncs):
    """A success also advances the observed generation of the rows `syncs(answered)` to their current one."""
    advance = step.advance

    def advance_further(state, answered=None, **options):
        found = advance(state, answered, **options)
        if answered is not None and answered.answer.error is None:
            syncs(answered).update(observed_generation=F("generation"))
        return found

    with patched(step, advance=advance_further):
        yield


@contextmanager
def answer_advances_to_the_current_generation():
    """The answer advances the observed generation to the current one, instead of the plan to the one that it has read."""
    with every_success_advances(lambda _: DomainSync.objects.all()):
        yield


@contextmanager
def intent_advances_the_generation():
    """The intent advances the observed generation."""
    write_down = step._write_intent

    def advance(*chosen):
        intent = write_down(*chosen)
        DomainSync.objects.update(observed_generation=intent.generation)
        return intent

    with patched(step, _write_intent=advance):
        yield


@contextmanager
def rows_are_read_before_the_generation():
    """The rows are read first, outside the transaction."""
    advance, desired_of = step.advance, snapshot.desired_of

    def plan(state, *answered, **options):
        desired = desired_of(state.config, [state.domain])[state.domain]
        with patched(snapshot, compile_domain=lambda *_: desired):
            return advance(state, *answered, **options)

    with patched(step, advance=plan):
        yield


@contextmanager
def domain_is_marked_after_the_commit():
    """The domain is marked once the change is committed."""
    mark_dirty = outbox.mark_dirty
    with patched(outbox, mark_dirty=lambda *domains: transaction.on_commit(lambda: mark_dirty(*domains))):
        yield


@counterexample(8, intent_is_recorded_as_done)
def test_8_refused_call_does_not_count_as_done(ses_with_a):
    receive()
    Writer().call_refused()
    assert A in recipients_in_ses()
    run_worker()
    claim_no_false_report(A)
    assert ses_holds()


@counterexample(12, answer_advances_to_the_current_generation)
def test_12_change_committed_during_a_call_is_not_observed_by_its_answer(ses_with_a):
    receive()
    x = Writer()
    x.plan()
    answer = x.send()
    receive("b")
    x.record(answer)
    run_worker()
    with claim("SES gets Y's change."):
        assert ses_holds(B)


@counterexample(13, intent_advances_the_generation)
def test_13_intent_does_not_advance_the_observed_generation(ses_with_a):
    receive()
    Writer().call_refused()
    claim_no_false_report(A)
    run_worker()
    assert ses_holds()
    assert is_reported_gone(A)


@counterexample(14, rows_are_read_before_the_generation)
def test_14_rows_are_read_after_the_generation_and_under_its_lock(ses_with_a):
    receive()
    x = Writer()
    x.call()
    with commits_once_the_rows_are_read(lambda: receive("b")):
        x.plan()  # nothing left to do for the rows that it reads
    run_worker()
    with claim("SES gets Y's change."):
        assert ses_holds(B)


@counterexample(15, domain_is_marked_after_the_commit)
def test_15_crash_right_after_the_commit_leaves_the_domain_dirty(ses_with_a):
    def die():
        raise Killed

    @transaction.atomic
    def change():
        transaction.on_commit(die)
        change_behind_our_back()
        outbox.mark_dirty(DOMAIN)

    with pytest.raises(Killed):
        change()
    run_worker()
    with claim("SES gets the change without a sweep."):
        assert ses_holds()


def test_domain_is_marked_in_the_transaction_of_the_change(ses_with_a):
    before = generation(DOMAIN)
    with transaction.atomic():
        outbox.mark_dirty(DOMAIN)
        assert generation(DOMAIN) == before + 1
        transaction.set_rollback(True)
    assert generation(DOMAIN) == before
