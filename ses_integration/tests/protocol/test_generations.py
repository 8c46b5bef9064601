"""What counts as applied: what was compiled under the mark's lock, and answered. Counterexamples 8 and 12 to 15."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from django.db import transaction
from django.db.models import F

from ses_integration.models import DomainSync, LedgerEntry
from ses_integration.reconcile import intent as ledger
from ses_integration.reconcile import outbox
from ses_integration.reconcile import record as recording
from ses_integration.reconcile.outbox import generation
from ses_integration.reconcile.steps import Answer
from ses_integration.tests.fake_domains import DOMAIN, change_behind_our_back, receive
from ses_integration.tests.protocol.counterexamples import claim, counterexample, instead
from ses_integration.tests.protocol.expectations import A, B, held, in_line
from ses_integration.tests.protocol_steps import Writer, said_gone, worker
from ses_integration.tests.second_connection import commits_once_the_rows_are_read

pytestmark = pytest.mark.sqlite


class Killed(BaseException):
    """The process is gone."""


@contextmanager
def the_intent_is_taken_for_the_deed():
    """T2 writes down as known what it is about to send."""
    write_down = ledger._write_intent

    def believe(*chosen, **when):
        intent = write_down(*chosen, **when)
        entry = LedgerEntry.objects.get(pk=intent.entry_id)
        recording._confirm(entry, intent.call, Answer(), gone=intent.call.operation.removes)
        entry.save()
        return intent

    with instead(ledger, _write_intent=believe):
        yield


@contextmanager
def an_answer_serves_every_generation():
    """T3 advances the applied generation to the current one, instead of T2 to the one that it read."""
    record = recording.record

    def serve(config, held, intent, answer):
        record(config, held, intent, answer)
        if answer.error is None:
            DomainSync.objects.update(observed_generation=F("generation"))

    with instead(recording, record=serve):
        yield


@contextmanager
def the_intent_serves_its_generation():
    """T2 advances the applied generation when it writes the intent down."""
    write_down = ledger._write_intent

    def serve(*chosen, **when):
        intent = write_down(*chosen, **when)
        DomainSync.objects.update(observed_generation=intent.generation)
        return intent

    with instead(ledger, _write_intent=serve):
        yield


@contextmanager
def rows_are_read_before_the_generation():
    """The rows are read first, and in a step of their own."""
    next_step, desired_of = ledger.next_step, ledger.desired_of

    def plan(state, **options):
        desired = desired_of(state.config, [state.domain])
        with instead(ledger, desired_of=lambda *_: desired):
            return next_step(state, **options)

    with instead(ledger, next_step=plan):
        yield


@contextmanager
def marks_are_made_after_the_commit():
    """The mark is written once the change is committed."""
    sync = outbox.mark_dirty
    with instead(outbox, mark_dirty=lambda *domains: transaction.on_commit(lambda: sync(*domains))):
        yield


@counterexample(8, the_intent_is_taken_for_the_deed)
def test_8_a_refused_call_does_not_count_as_made(start):
    receive()
    Writer().call_refused()
    assert A in held()
    worker()
    with claim("Nobody is told that a is gone while SES holds it."):
        assert not (said_gone(A) and A in held())
    assert in_line()


@counterexample(12, an_answer_serves_every_generation)
def test_12_a_change_that_commits_during_a_call_is_not_served_by_it(start):
    receive()
    x = Writer()
    x.plan()
    answer = x.send()
    receive("b")
    x.record(answer)
    worker()
    with claim("Y's change reaches SES."):
        assert in_line(B)


@counterexample(13, the_intent_serves_its_generation)
def test_13_the_intent_advances_no_generation(start):
    receive()
    Writer().call_refused()
    with claim("Nobody is told that a is gone while SES holds it."):
        assert not (said_gone(A) and A in held())
    worker()
    assert in_line()
    assert said_gone(A)


@counterexample(14, rows_are_read_before_the_generation)
def test_14_rows_are_read_after_the_generation_and_under_its_lock(start):
    receive()
    x = Writer()
    x.call()
    with commits_once_the_rows_are_read(lambda: receive("b")):
        x.plan()  # nothing more to do for the rows that it has read
    worker()
    with claim("Y's change reaches SES."):
        assert in_line(B)


@counterexample(15, marks_are_made_after_the_commit)
def test_15_a_crash_right_after_the_commit_of_a_change_leaves_its_mark(start):
    def die():
        raise Killed

    @transaction.atomic
    def change():
        transaction.on_commit(die)
        change_behind_our_back()
        outbox.mark_dirty(DOMAIN)

    with pytest.raises(Killed):
        change()
    worker()
    with claim("The change reaches SES, and no sweep had to find it."):
        assert in_line()


def test_the_mark_is_in_the_transaction_of_the_change(start):
    before = generation(DOMAIN)
    with transaction.atomic():
        outbox.mark_dirty(DOMAIN)
        assert generation(DOMAIN) == before + 1
        transaction.set_rollback(True)
    assert generation(DOMAIN) == before
