"""A call without an answer is neither done nor failed. Counterexamples 1 to 3 and 6.

Request X deletes `a`, request Y adds `b`. A late call is applied after its sender gave up.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

from django.db import transaction

from ses_integration.coordination.clock import database_now
from ses_integration.errors import Refused, Unanswered
from ses_integration.models import LedgerEntry
from ses_integration.plan import diff
from ses_integration.plan.resources import Presence
from ses_integration.reconcile import step
from ses_integration.reconcile.values import Answer, Answered
from ses_integration.tests.support.counterexamples import claim, counterexample, patched
from ses_integration.tests.support.expectations import (
    RULE,
    A,
    B,
    claim_no_false_report,
    claim_ses_follows,
    recipients_in_ses,
    ses_holds,
)
from ses_integration.tests.support.fake_domains import DOMAIN, receive, remove
from ses_integration.tests.support.protocol_steps import (
    Writer,
    is_reported_gone,
    ledger_entry,
    run_worker,
    run_worker_and_database_sweep,
    settle_calls,
)
from ses_integration.tests.support.ses_state import calls

NEW_RULE = "inbound-other.org-rule"


@contextmanager
def no_intent_before_the_call():
    """Nothing is written before the call, and only answered calls afterwards."""
    write_down, advance = step._write_intent, step.advance

    def only_choose(*chosen):
        with transaction.atomic():
            intent = write_down(*chosen)
            transaction.set_rollback(True)
        return intent

    def write_afterwards(state, answered=None, **options):
        if answered is None or isinstance(answered.answer.error, Unanswered):
            return advance(state, **options)
        intent = answered.intent
        entry, _ = LedgerEntry.objects.get_or_create(
            region=state.config.region,
            rule_set=state.config.rule_set,
            kind=intent.call.kind,
            name=intent.call.name,
            defaults={"domain": intent.call.name, "changed_at": database_now()},
        )
        return advance(
            state, Answered(replace(intent, entry_id=entry.pk, in_flight_id=None), answered.answer), **options
        )

    with patched(step, _write_intent=only_choose, advance=write_afterwards):
        yield


@contextmanager
def timeout_counts_as(answer):
    advance = step.advance

    def replaced(state, answered=None, **options):
        if answered is not None and isinstance(answered.answer.error, Unanswered):
            answered = Answered(answered.intent, answer)
        return advance(state, answered, **options)

    with patched(step, advance=replaced):
        yield


@contextmanager
def timeout_is_a_failure():
    """A call without an answer counts as refused and is repeated until it succeeds."""
    with timeout_counts_as(Answer(error=Refused("timeout"))):
        yield


@contextmanager
def timeout_is_a_success():
    """A call without an answer counts as done."""
    with timeout_counts_as(Answer()):
        yield


@contextmanager
def due_call_is_not_repeated():
    """A due call is not repeated if the recorded state is the desired one."""
    call_to_write = diff._call_to_write
    with patched(
        diff, _call_to_write=lambda rule, resource: call_to_write(rule, replace(resource, unknown_outcomes=()))
    ):
        yield


@counterexample(1, no_intent_before_the_call)
def test_1_late_delete_is_recorded_before_it_is_sent_and_is_repaired(ses_with_a):
    receive()
    x = Writer()
    late = x.call_without_answer()
    receive("b")
    Writer().finish()
    assert ses_holds(B)
    x.apply_late(late)
    assert ses_holds()
    settle_calls()
    run_worker_and_database_sweep()
    claim_ses_follows(B)


@counterexample(1, no_intent_before_the_call)
def test_1_create_without_an_answer_has_a_ledger_entry(ses_with_a):
    receive("x", domain="other.org")
    x = Writer("other.org")
    for _ in ("create the identity", "its token", "its MAIL FROM domain"):
        x.call()
    late = x.call_without_answer()
    x.apply_late(late)
    with claim("Everything that SES holds has a ledger entry."):
        assert LedgerEntry.objects.filter(name=NEW_RULE).exists()
    assert ledger_entry(NEW_RULE).presence == Presence.UNKNOWN
    remove("other.org")
    Writer("other.org").finish()
    assert ses_holds(A)


@counterexample(2, timeout_is_a_failure)
def test_2_success_of_a_repeated_call_says_nothing_about_the_first_call(ses_with_a):
    receive()
    x = Writer()
    late = x.call_without_answer()
    x.call()  # the same delete again, answered
    receive("b")
    Writer().finish()
    assert ses_holds(B)
    x.apply_late(late)
    assert ses_holds()
    settle_calls()
    run_worker_and_database_sweep()
    claim_ses_follows(B)


@counterexample(3, timeout_is_a_success)
def test_3_timeout_is_not_a_success(ses_with_a):
    receive()
    Writer().call_without_answer()  # and is never applied
    run_worker()
    claim_no_false_report(A)
    assert is_reported_gone(A)


@counterexample(6, due_call_is_not_repeated)
def test_6_due_call_is_repeated_although_recorded_equals_desired_state(ses_with_a):
    receive()
    x = Writer()
    late = x.call_without_answer()
    receive("b")
    Writer().finish()
    x.apply_late(late)
    assert ledger_entry(RULE).presence == Presence.PRESENT
    settle_calls()
    ses_with_a.clear_journal()
    run_worker_and_database_sweep()
    claim_ses_follows(B)
    assert calls(ses_with_a) == ["UpdateReceiptRule", "CreateReceiptRule"]


def test_unanswered_catch_all_call_keeps_every_address_unconfirmed(ses_with_a):
    """The bare domain as a recipient matches each address (docs/architecture/protocol.md, "Confirm a removal")."""
    receive("a", catch_all=True)
    x = Writer()
    late = x.call_without_answer()
    receive("b")
    Writer().finish()
    assert ses_holds(B)
    assert not is_reported_gone(A)
    x.apply_late(late)
    assert recipients_in_ses() == {DOMAIN, B}
    settle_calls()
    run_worker()
    assert ses_holds(B)
    assert is_reported_gone(A)
