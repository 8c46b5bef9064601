"""A call without an answer is neither done nor failed: counterexamples 1 to 6, 21 and 23.

X deletes a, Y adds b. "Late" is a call that is applied after its sender gave up.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

from django.db import transaction

from ses_integration.coordination import lease
from ses_integration.coordination.clock import database_now
from ses_integration.errors import Refused, Unanswered
from ses_integration.models import InFlightCall, LedgerEntry
from ses_integration.plan import diff
from ses_integration.plan.resources import Operation, Presence
from ses_integration.reconcile import intent as ledger
from ses_integration.reconcile import record as recording
from ses_integration.reconcile.outbox import generation
from ses_integration.reconcile.steps import Answer
from ses_integration.tests.fake_domains import DOMAIN, receive, remove
from ses_integration.tests.protocol.counterexamples import claim, counterexample, instead
from ses_integration.tests.protocol.expectations import RULE, A, B, held, in_line
from ses_integration.tests.protocol_steps import Writer, ledger_of, said_gone, settle, worker, worker_and_database_sweep
from ses_integration.tests.ses_state import calls

NEW_RULE = "inbound-other.org-rule"


@contextmanager
def no_intent_before_the_call():
    """T2 writes nothing down; T3 writes what it is sure of, and nothing without an answer."""
    write_down, record = ledger._write_intent, recording.record

    def only_choose(*chosen, **when):
        with transaction.atomic():
            intent = write_down(*chosen, **when)
            transaction.set_rollback(True)
        return intent

    def write_afterwards(config, held, intent, answer):
        if isinstance(answer.error, Unanswered):
            return
        entry, _ = LedgerEntry.objects.get_or_create(
            region=config.region,
            rule_set=config.rule_set,
            kind=intent.call.kind,
            name=intent.call.name,
            defaults={"domain": intent.call.name, "changed_at": database_now()},
        )
        record(config, held, replace(intent, entry_id=entry.pk, in_flight_id=None), answer)

    with instead(ledger, _write_intent=only_choose), instead(recording, record=write_afterwards):
        yield


@contextmanager
def a_timeout_is_a_failure():
    """A call without an answer has failed: its doubt goes, as after a refusal, and it is tried again until it succeeds."""
    record = recording.record

    def failed(config, held, intent, answer):
        if isinstance(answer.error, Unanswered):
            answer = Answer(error=Refused("timeout"))
        record(config, held, intent, answer)

    with instead(recording, record=failed):
        yield


@contextmanager
def a_timeout_is_a_success():
    """A call without an answer is done."""
    record = recording.record

    def done(config, held, intent, answer):
        record(config, held, intent, Answer() if isinstance(answer.error, Unanswered) else answer)

    with instead(recording, record=done):
        yield


@contextmanager
def a_success_clears_all_doubt():
    """The next confirmed call clears every doubt of its entry, whether it may still land or not."""
    record = recording.record

    def clear(config, held, intent, answer):
        unknown_outcomes = InFlightCall.objects.filter(entry=intent.entry_id)
        record(config, held, replace(intent, settles=tuple(unknown_outcomes.values_list("pk", flat=True))), answer)

    with instead(recording, record=clear):
        yield


@contextmanager
def doubt_is_judged_when_the_answer_comes():
    """A confirmed call clears the doubt that is due at T3, instead of that which was at T2."""
    record = recording.record

    def clear(config, held, intent, answer):
        due = InFlightCall.objects.filter(entry=intent.entry_id, until__lte=database_now())
        record(config, held, replace(intent, settles=tuple(due.values_list("pk", flat=True))), answer)

    with instead(recording, record=clear):
        yield


@contextmanager
def no_repetition_of_what_is_known():
    """Due doubt needs no call where `known` is what is wanted."""
    call_to_write = diff._call_to_write
    with instead(
        diff, _call_to_write=lambda rule, resource: call_to_write(rule, replace(resource, unknown_outcomes=()))
    ):
        yield


@contextmanager
def a_long_lease_instead_of_doubt():
    """A timeout leaves no doubt; the lease lasts until every call of a holder that is gone has settled."""
    with instead(lease, LEASE_SECONDS=3600), a_timeout_is_a_failure():
        yield


@contextmanager
def one_merged_doubt():
    """All the doubt of an entry is one field, which any refusal clears as its own."""
    record = recording.record

    def clear(config, held, intent, answer):
        record(config, held, intent, answer)
        if isinstance(answer.error, Refused):
            InFlightCall.objects.filter(entry=intent.entry_id).delete()

    with instead(recording, record=clear):
        yield


@counterexample(1, no_intent_before_the_call)
def test_1_a_delete_that_lands_late_is_known_before_it_is_sent_and_repaired(start):
    receive()
    x = Writer()
    late = x.call_without_answer()
    receive("b")
    Writer().finish()
    assert in_line(B)
    x.lands(late)
    assert in_line()
    settle()
    worker_and_database_sweep()
    with claim("SES follows the rows again, and nobody had to ask it."):
        assert in_line(B)


@counterexample(1, no_intent_before_the_call)
def test_1_a_create_whose_answer_is_lost_has_its_ledger_entry_already(start):
    receive("x", domain="other.org")
    x = Writer("other.org")
    for _ in ("create the identity", "its token", "its MAIL FROM domain"):
        x.call()
    late = x.call_without_answer()
    x.lands(late)
    with claim("Whatever SES holds has a ledger entry."):
        assert LedgerEntry.objects.filter(name=NEW_RULE).exists()
    assert ledger_of(NEW_RULE).presence == Presence.UNKNOWN
    remove("other.org")
    Writer("other.org").finish()
    assert in_line(A)


@counterexample(2, a_timeout_is_a_failure)
def test_2_the_success_of_a_repeated_call_says_nothing_about_the_first_one(start):
    receive()
    x = Writer()
    late = x.call_without_answer()
    x.call()  # the same Delete again, answered
    receive("b")
    Writer().finish()
    assert in_line(B)
    x.lands(late)
    assert in_line()
    settle()
    worker_and_database_sweep()
    with claim("SES follows the rows again, and nobody had to ask it."):
        assert in_line(B)


@counterexample(3, a_timeout_is_a_success)
def test_3_a_timeout_is_not_done(start):
    receive()
    Writer().call_without_answer()  # and it was never applied
    worker()
    with claim("Nobody is told that a is gone while SES holds it."):
        assert not (said_gone(A) and A in held())
    assert said_gone(A)


@counterexample(4, a_success_clears_all_doubt)
def test_4_the_next_confirmed_call_clears_no_doubt_that_may_still_land(start):
    receive()
    x = Writer()
    late = x.call_without_answer()
    receive("b")
    Writer().finish()  # re-applied at once by the successor
    assert in_line(B)
    x.lands(late)
    settle()
    worker_and_database_sweep()
    with claim("SES follows the rows again, and nobody had to ask it."):
        assert in_line(B)


@counterexample(5, doubt_is_judged_when_the_answer_comes)
def test_5_doubt_that_became_due_after_the_intent_was_written_stays(start):
    receive()
    x = Writer()
    late = x.call_without_answer()
    receive("b")
    x.plan()
    answer = x.send()
    assert in_line(B)
    x.lands(late)
    settle(late)  # while the answer is on its way
    x.record(answer)
    worker_and_database_sweep()
    with claim("SES follows the rows again, and nobody had to ask it."):
        assert in_line(B)


@counterexample(6, no_repetition_of_what_is_known)
def test_6_due_doubt_is_repeated_although_known_equals_wanted(start):
    receive()
    x = Writer()
    late = x.call_without_answer()
    receive("b")
    Writer().finish()
    x.lands(late)
    assert ledger_of(RULE).presence == Presence.PRESENT
    settle()
    start.clear_journal()
    worker_and_database_sweep()
    with claim("SES follows the rows again, and nobody had to ask it."):
        assert in_line(B)
    assert calls(start) == ["UpdateReceiptRule", "CreateReceiptRule"]


@counterexample(21, a_long_lease_instead_of_doubt)
def test_21_a_holder_s_own_unanswered_call_stays_in_doubt_for_its_next_one(start):
    receive()
    x = Writer()
    late = x.call_without_answer()
    receive("b")
    x.finish()  # the same holder, whose first call is still under way
    assert in_line(B)
    x.lands(late)
    settle()  # who takes over waits until every old call has settled
    worker_and_database_sweep()
    with claim("SES follows the rows again, and nobody had to ask it."):
        assert in_line(B)


@counterexample(23, one_merged_doubt)
def test_23_a_refusal_takes_away_its_own_doubt_and_no_older_one(start):
    receive("a", "b")
    y = Writer()
    late = y.call_without_answer()
    receive("b")
    gone = generation(DOMAIN)
    Writer().finish()
    assert in_line(B)
    y.lands(late)
    settle()
    Writer().call_refused()
    with claim("Nobody is told that a is gone while SES holds it."):
        assert not (said_gone(A, gone) and A in held())
    worker()
    assert in_line(B)
    assert said_gone(A, gone)


def test_the_doubt_of_an_older_call_is_kept_and_that_of_the_confirmed_one_is_not(start):
    receive()
    x = Writer()
    x.call_without_answer()
    x.call()
    assert InFlightCall.objects.get().operation == Operation.DELETE_RULE


def test_a_catch_all_whose_call_is_unanswered_could_bring_every_address_back(start):
    """The bare domain in doubt is doubt of each address (docs/architecture/protocol.md, "Confirm a removal")."""
    receive("a", catch_all=True)
    x = Writer()
    late = x.call_without_answer()
    receive("b")
    Writer().finish()
    assert in_line(B)
    assert not said_gone(A)
    x.lands(late)
    assert held() == {DOMAIN, B}
    settle()
    worker()
    assert in_line(B)
    assert said_gone(A)
