"""What is owed for a name outlives its rows and its rules, and a new life of it is safe from the old one: counterexamples
16 to 18 and 20. 19 is about rows alone: `domains/tests/lifecycle/test_add_again.py`."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import pytest

from domains.deletion import service
from domains.models import DomainDeletion
from inbound.tests.factories import DomainFactory, EmailAddressFactory
from ses_integration.models import DomainSync, InFlightCall, LedgerEntry
from ses_integration.plan.compile import DesiredState
from ses_integration.plan.resources import Operation, Presence
from ses_integration.reconcile import intent as ledger
from ses_integration.reconcile import record as recording
from ses_integration.reconcile.outbox import generation
from ses_integration.reconcile.steps import Blocked, Intent
from ses_integration.tests.fake_domains import DOMAIN, receive, remove
from ses_integration.tests.protocol.counterexamples import claim, counterexample, instead
from ses_integration.tests.protocol.expectations import A, B, in_line
from ses_integration.tests.protocol_steps import Writer, ledger_of, settle, worker, worker_and_database_sweep
from ses_integration.tests.ses_state import identities, rules


@contextmanager
def an_entry_goes_when_its_delete_is_sent():
    """T2 removes the ledger entry of what it is about to delete."""
    write_down, record = ledger._write_intent, recording.record

    def forget(*chosen, **when):
        intent = write_down(*chosen, **when)
        if intent.call.operation.removes:
            LedgerEntry.objects.filter(pk=intent.entry_id).delete()
        return intent

    def record_if_known(config, held, intent, answer):
        if LedgerEntry.objects.filter(pk=intent.entry_id).exists():
            record(config, held, intent, answer)

    with instead(ledger, _write_intent=forget), instead(recording, record=record_if_known):
        yield


@contextmanager
def the_mark_goes_with_the_domain():
    """The mark hangs on the domain's row."""
    finish_rows = service._delete_rows

    def cascade(domain_id):
        finish_rows(domain_id)
        DomainSync.objects.filter(domain=DomainDeletion.objects.get(domain_id=domain_id).name).delete()

    with instead(service, _delete_rows=cascade):
        yield


@contextmanager
def mark_and_ledger_go_with_the_domain():
    """The ledger hangs on the domain's row as well."""
    finish_rows = service._delete_rows

    def cascade(domain_id):
        finish_rows(domain_id)
        name = DomainDeletion.objects.get(domain_id=domain_id).name
        DomainSync.objects.filter(domain=name).delete()
        LedgerEntry.objects.filter(domain=name).delete()

    with instead(service, _delete_rows=cascade):
        yield


@contextmanager
def a_teardown_follows_its_record():
    """Who has begun to tear a domain down goes on to the end, whatever the rows say by then."""
    next_step, desired_of = ledger.next_step, ledger.desired_of
    tearing_down = set()

    def carry_on(state, **options):
        if desired_of(state.config, [state.domain])[state.domain] == DesiredState():
            tearing_down.add(state.held.fence)
        if state.held.fence not in tearing_down:
            return next_step(state, **options)
        with instead(ledger, desired_of=lambda *_: {state.domain: DesiredState()}):
            return next_step(state, **options)

    with instead(ledger, next_step=carry_on):
        yield


@contextmanager
def nothing_is_held_back():
    """An identity is created again although a Delete of it may still land."""
    plan = ledger.plan

    def trust(entry):
        unknown_outcomes = [
            outcome
            for outcome in entry.unknown_outcomes
            if outcome.due or outcome.operation is not Operation.DELETE_IDENTITY
        ]
        return replace(entry, unknown_outcomes=tuple(unknown_outcomes))

    with instead(
        ledger, plan=lambda domain, desired, entries, **more: plan(domain, desired, map(trust, entries), **more)
    ):
        yield


@counterexample(16, an_entry_goes_when_its_delete_is_sent)
def test_16_a_refused_delete_keeps_its_ledger_entry(start):
    remove()
    Writer().call_refused()
    worker_and_database_sweep()
    with claim("SES follows the rows, and nobody had to ask it."):
        assert in_line()
    assert not LedgerEntry.objects.exists()


@pytest.fixture
def domain(ses):
    """The same start with rows in tables, because this is about rows that go."""
    domain = DomainFactory(name=DOMAIN)
    EmailAddressFactory(domain=domain, address=A)
    assert in_line(A)
    return domain


def delete_without_ses(domain, settings):
    """The rows go, and SES is not reached within the budget."""
    settings.SES_REQUEST_BUDGET = 0.0
    service.delete_domain(domain=domain, requested_by="X")
    assert not type(domain).objects.exists()
    assert in_line(A)


@counterexample(17, the_mark_goes_with_the_domain, mark_and_ledger_go_with_the_domain)
def test_17_the_mark_of_a_domain_that_is_gone_says_what_ses_owes(domain, settings):
    delete_without_ses(domain, settings)
    worker()
    with claim("SES follows the rows, and no sweep had to find it."):
        assert in_line()
    assert identities() == set()


@counterexample(17, mark_and_ledger_go_with_the_domain)
def test_17_the_ledger_outlives_the_domain(domain, settings):
    delete_without_ses(domain, settings)
    DomainSync.objects.all().delete()
    worker_and_database_sweep()
    with claim("SES follows the rows, and nobody had to ask it."):
        assert in_line()
    assert identities() == set()


def test_the_generation_goes_on_counting_when_a_domain_is_gone_and_comes_back(start):
    before = generation(DOMAIN)
    remove()
    Writer().finish()
    receive("a", incarnation="2")
    assert generation(DOMAIN) == before + 2


@counterexample(18, a_teardown_follows_its_record)
def test_18_a_domain_added_again_in_the_middle_of_its_teardown_keeps_rule_and_identity(start):
    remove()
    x = Writer()
    x.call()
    assert (rules(), identities()) == ({}, {DOMAIN})  # the identity would be next
    receive("b", incarnation="2")
    x.finish()
    worker()
    with claim("The new life has its identity and its rule."):
        assert identities() == {DOMAIN}
        assert in_line(B)


@counterexample(20, nothing_is_held_back)
def test_20_an_identity_is_not_made_again_while_its_deletion_may_still_land(start):
    remove()
    x = Writer()
    x.call()
    late = x.call_without_answer()
    assert late.call.operation == Operation.DELETE_IDENTITY
    x.finish()  # deletes it again, and has an answer
    assert identities() == set()
    receive("b", incarnation="2")
    worker()
    confirmed = ledger_of(DOMAIN).presence == Presence.PRESENT
    x.lands(late)
    with claim("An identity that is confirmed is not taken away by its last life."):
        assert not confirmed or identities() == {DOMAIN}
    assert in_line(B)
    settle()
    worker()
    assert identities() == {DOMAIN}


def test_who_waits_for_a_deletion_of_an_identity_to_settle_says_until_when(start):
    remove()
    x = Writer()
    x.call()
    x.lands(x.call_without_answer())
    receive("b", incarnation="2")
    y = Writer()
    steps = [y.plan()]
    while isinstance(steps[-1], Intent):
        y.record(y.send())
        steps.append(y.plan())
    made = [step.call.operation for step in steps if isinstance(step, Intent)]
    assert made == [Operation.READ_IDENTITY, Operation.CREATE_RULE]
    assert steps[-1] == Blocked(generation(DOMAIN), until=InFlightCall.objects.get().until)
    settle()
    Writer().finish()
    assert identities() == {DOMAIN}
    assert in_line(B)
