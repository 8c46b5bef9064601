"""Pending work outlives a domain, and its next incarnation is safe from it. Counterexamples 16 to 18 and 20.

Number 19 is about rows alone: `domains/tests/lifecycle/test_add_again.py`.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import pytest

from domains.deletion import service
from domains.models import DomainDeletion
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory
from ses_integration.models import DomainSync, InFlightCall, LedgerEntry, LedgerIdentity
from ses_integration.plan.compile import DesiredState
from ses_integration.plan.resources import Operation, Presence
from ses_integration.reconcile import snapshot, step
from ses_integration.reconcile.outbox import generation
from ses_integration.reconcile.values import Blocked, Intent
from ses_integration.tests.support.counterexamples import claim, counterexample, patched
from ses_integration.tests.support.expectations import A, B, claim_ses_follows, ses_holds
from ses_integration.tests.support.fake_domains import DOMAIN, receive, remove
from ses_integration.tests.support.protocol_steps import (
    Writer,
    ledger_entry,
    run_worker,
    run_worker_and_database_sweep,
    settle_calls,
)
from ses_integration.tests.support.ses_state import identities, rules


@contextmanager
def ledger_entry_is_deleted_with_the_intent():
    """The intent of a delete removes the ledger entry."""
    write_down, advance = step._write_intent, step.advance

    def forget(*chosen):
        intent = write_down(*chosen)
        if intent.call.operation.removes:
            LedgerEntry.objects.filter(pk=intent.entry_id).delete()
        return intent

    def record_if_known(state, answered=None, **options):
        if answered is not None and not LedgerEntry.objects.filter(pk=answered.intent.entry_id).exists():
            answered = None
        return advance(state, answered, **options)

    with patched(step, _write_intent=forget, advance=record_if_known):
        yield


@contextmanager
def sync_state_is_deleted_with_the_domain():
    """Deleting the domain deletes its DomainSync row."""
    delete_rows = service.delete_rows

    def cascade(domain_id):
        deleted = delete_rows(domain_id)
        DomainSync.objects.filter(domain=DomainDeletion.objects.get(domain_id=domain_id).name).delete()
        return deleted

    with patched(service, delete_rows=cascade):
        yield


@contextmanager
def sync_state_and_ledger_are_deleted_with_the_domain():
    """Deleting the domain deletes its DomainSync row and its ledger."""
    delete_rows = service.delete_rows

    def cascade(domain_id):
        deleted = delete_rows(domain_id)
        name = DomainDeletion.objects.get(domain_id=domain_id).name
        DomainSync.objects.filter(domain=name).delete()
        LedgerEntry.objects.filter(domain=name).delete()
        return deleted

    with patched(service, delete_rows=cascade):
        yield


@contextmanager
def teardown_ignores_the_rows():
    """A pass that has started a teardown finishes it, even if the domain was added again."""
    advance, desired_of = step.advance, snapshot.desired_of
    tearing_down = set()

    def carry_on(state, *answered, **options):
        if desired_of(state.config, [state.domain])[state.domain] == DesiredState():
            tearing_down.add(state.held.fence)
        if state.held.fence not in tearing_down:
            return advance(state, *answered, **options)
        with patched(snapshot, compile_domain=lambda *_: DesiredState()):
            return advance(state, *answered, **options)

    with patched(step, advance=carry_on):
        yield


@contextmanager
def nothing_is_deferred():
    """An identity is created although an earlier delete of it may still be applied."""
    plan = snapshot.plan

    def trust(entry):
        unknown_outcomes = [
            outcome
            for outcome in entry.unknown_outcomes
            if outcome.due or outcome.operation is not Operation.DELETE_IDENTITY
        ]
        return replace(entry, unknown_outcomes=tuple(unknown_outcomes))

    def plan_trusting(domain, desired, entries, **more):
        return plan(domain, desired, map(trust, entries) if desired.identity else entries, **more)

    with patched(snapshot, plan=plan_trusting):
        yield


@counterexample(16, ledger_entry_is_deleted_with_the_intent)
def test_16_refused_delete_keeps_the_ledger_entry(ses_with_a):
    remove()
    Writer().call_refused()
    run_worker_and_database_sweep()
    claim_ses_follows()
    assert not LedgerEntry.objects.exists()


@pytest.fixture
def domain(ses):
    """The same start with real rows, because the test deletes them."""
    domain = DomainFactory(name=DOMAIN)
    EmailAddressFactory(domain=domain, address=A)
    assert ses_holds(A)
    return domain


def delete_without_ses(domain, settings):
    """Delete the rows, with no time for SES."""
    settings.SES_REQUEST_BUDGET = 0.0
    service.delete_domain(domain=domain, requested_by="X")
    assert not type(domain).objects.exists()
    assert ses_holds(A)


@counterexample(17, sync_state_is_deleted_with_the_domain, sync_state_and_ledger_are_deleted_with_the_domain)
def test_17_sync_state_outlives_the_domain(domain, settings):
    delete_without_ses(domain, settings)
    run_worker()
    with claim("SES follows the rows without any sweep."):
        assert ses_holds()
    assert identities() == set()


@counterexample(17, sync_state_and_ledger_are_deleted_with_the_domain)
def test_17_ledger_outlives_the_domain(domain, settings):
    delete_without_ses(domain, settings)
    DomainSync.objects.all().delete()
    run_worker_and_database_sweep()
    claim_ses_follows()
    assert identities() == set()


def test_generation_is_never_reset(ses_with_a):
    before = generation(DOMAIN)
    remove()
    Writer().finish()
    receive("a", incarnation="2")
    assert generation(DOMAIN) == before + 2


@counterexample(18, teardown_ignores_the_rows)
def test_18_domain_added_again_during_its_teardown_keeps_rule_and_identity(ses_with_a):
    remove()
    x = Writer()
    x.call()
    assert (rules(), identities()) == ({}, {DOMAIN})  # the identity would be next
    receive("b", incarnation="2")
    x.finish()
    run_worker()
    with claim("The new incarnation has its identity and its rule."):
        assert identities() == {DOMAIN}
        assert ses_holds(B)


@counterexample(20, nothing_is_deferred)
def test_20_identity_is_not_created_while_its_deletion_may_still_be_applied(ses_with_a):
    remove()
    x = Writer()
    x.call()
    late = x.call_without_answer()
    assert late.call.operation == Operation.DELETE_IDENTITY
    x.finish()  # deletes it again and gets an answer
    assert identities() == set()
    receive("b", incarnation="2")
    run_worker()
    confirmed = ledger_entry(DOMAIN).presence == Presence.PRESENT
    x.apply_late(late)
    with claim("The late delete does not remove the confirmed identity of the new incarnation."):
        assert not confirmed or identities() == {DOMAIN}
    assert ses_holds(B)
    settle_calls()
    run_worker()
    assert identities() == {DOMAIN}


def test_blocked_step_says_when_the_deletion_of_an_identity_settles(ses_with_a):
    remove()
    x = Writer()
    x.call()
    x.apply_late(x.call_without_answer())
    receive("b", incarnation="2")
    y = Writer()
    steps = [y.plan()]
    while isinstance(steps[-1], Intent):
        y.record(y.send())
        steps.append(y.plan())
    made = [step.call.operation for step in steps if isinstance(step, Intent)]
    assert made == [Operation.READ_IDENTITY, Operation.CREATE_RULE]
    assert steps[-1] == Blocked(generation(DOMAIN), until=InFlightCall.objects.get().until)
    settle_calls()
    Writer().finish()
    assert identities() == {DOMAIN}
    assert ses_holds(B)


def test_identity_created_by_a_late_verification_is_deleted(ses, rows):
    receive("a", domain="other.org")
    x = Writer("other.org")
    x.call()  # the identity
    late = x.call_without_answer()
    assert late.call.operation == Operation.VERIFY_DOMAIN
    remove("other.org")
    Writer("other.org").finish()
    x.apply_late(late)  # creates it without our tag
    assert identities() == {"other.org"}
    settle_calls()
    Writer("other.org").finish()
    assert identities() == set()


@pytest.mark.parametrize("due", [False, True], ids=["before the call is due", "after the call is due"])
def test_identity_created_by_a_late_verification_is_ours_when_the_domain_is_added_again(ses, rows, due):
    receive("a", domain="other.org")
    x = Writer("other.org")
    x.call()
    late = x.call_without_answer()
    remove("other.org")
    Writer("other.org").finish()
    x.apply_late(late)
    if due:
        settle_calls()
    receive("a", domain="other.org", incarnation="2")
    Writer("other.org").finish()
    settle_calls()
    Writer("other.org").finish()
    assert LedgerIdentity.objects.get().ours is True
    remove("other.org")
    Writer("other.org").finish()
    assert identities() == set()
