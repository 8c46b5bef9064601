"""When a change counts as observed: compiled under the lock of the DomainSync row, and answered. Counterexamples 8, 12 to 15."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from django.db import transaction
from django.db.models import F

from ses_integration.models import DomainSync, LedgerEntry
from ses_integration.reconcile import intent as intent_step
from ses_integration.reconcile import outbox
from ses_integration.reconcile import record as record_step
from ses_integration.reconcile.outbox import generation
from ses_integration.reconcile.steps import Answer
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
    """The intent records the call as successful."""
    write_down = intent_step._write_intent

    def record_as_done(*chosen, **when):
        intent = write_down(*chosen, **when)
        entry = LedgerEntry.objects.get(pk=intent.entry_id)
        record_step._confirm(entry, intent.call, Answer(), gone=intent.call.operation.removes)
        entry.save()
        return intent

    with patched(intent_step, _write_intent=record_as_done):
        yield


@contextmanager
def answer_advances_to_the_current_generation():
    """The answer advances the observed generation to the current one, instead of the plan to the one that it has read."""
    record = record_step.record

    def advance(config, held, intent, answer):
        record(config, held, intent, answer)
        if answer.error is None:
            DomainSync.objects.update(observed_generation=F("generation"))

    with patched(record_step, record=advance):
        yield


@contextmanager
def intent_advances_the_generation():
    """The intent advances the observed generation."""
    write_down = intent_step._write_intent

    def advance(*chosen, **when):
        intent = write_down(*chosen, **when)
        DomainSync.objects.update(observed_generation=intent.generation)
        return intent

    with patched(intent_step, _write_intent=advance):
        yield


@contextmanager
def rows_are_read_before_the_generation():
    """The rows are read first, outside the transaction."""
    next_step, desired_of = intent_step.next_step, intent_step.desired_of

    def plan(state, **options):
        desired = desired_of(state.config, [state.domain])
        with patched(intent_step, desired_of=lambda *_: desired):
            return next_step(state, **options)

    with patched(intent_step, next_step=plan):
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
