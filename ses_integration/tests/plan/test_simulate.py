"""A simulation predicts what a pass does, from any state of the ledger."""

from __future__ import annotations

from hypothesis import given

from ses_integration.plan.resources import Operation, Presence, ResourceKind
from ses_integration.plan.simulate import ACTIONS, CallTiming, IdentityOutcome, simulate
from ses_integration.tests.plan.test_diff_properties import DOMAIN, situations


@given(situations())
def test_simulated_calls_are_those_of_a_pass(situation):
    """Only if the ledger knows what SES holds: otherwise a call may have several answers."""
    reconciler, desired = situation
    entries = list(reconciler.entries.values())
    forecast = simulate(reconciler.domain, desired, entries)
    if any(entry.presence is Presence.UNKNOWN or entry.unknown_outcomes or entry.ours is None for entry in entries):
        return
    if reconciler.ses.identity and not any(
        entry.kind is ResourceKind.IDENTITY and entry.known_to_exist for entry in entries
    ):
        return  # somebody else has created it, which only the answer shows
    assert forecast.certain or forecast.waiting
    reconciler.run(desired)
    assert [(call.action, call.name) for call in forecast.calls] == [
        (ACTIONS[call.operation], call.name) for call in reconciler.calls
    ]


@given(situations())
def test_before_is_recorded_state_and_after_is_desired_state(situation):
    reconciler, desired = situation
    entries = dict(reconciler.entries)
    forecast = simulate(reconciler.domain, desired, entries.values())
    assert {rule.name: rule.after for rule in forecast.rules if rule.after is not None} == {
        rule.name: tuple(sorted(rule.recipients)) for rule in desired.rules
    }
    for rule in forecast.rules:
        entry = next((entry for entry in entries.values() if entry.name == rule.name), None)
        if entry is None or entry.presence is Presence.ABSENT:
            assert rule.before is None
        else:
            assert set(rule.before or ()) == entry.recipients
        assert rule.confirmed == (
            entry is None or (entry.presence is not Presence.UNKNOWN and not entry.unknown_outcomes)
        )


@given(situations())
def test_simulation_ends(situation):
    """A call without an answer is repeated at most once, after it has settled."""
    reconciler, desired = situation
    forecast = simulate(reconciler.domain, desired, reconciler.entries.values())
    once_more = [call for call in forecast.calls if call.when is CallTiming.AFTER_SETTLING]
    names = {entry.name for entry in reconciler.entries.values() if entry.unknown_outcomes}
    assert {call.name for call in once_more} <= names | set(forecast.waiting)
    assert not forecast.due or not forecast.certain or len(forecast.due) == len(forecast.calls)


@given(situations())
def test_identity_outcome_depends_on_its_owner(situation):
    reconciler, desired = situation
    entry = next((entry for entry in reconciler.entries.values() if entry.name == DOMAIN), None)
    outcome = simulate(reconciler.domain, desired, reconciler.entries.values()).identity
    if desired.identity:
        return
    if entry is None or (entry.presence is Presence.ABSENT and not entry.unknown_outcomes):
        assert outcome is IdentityOutcome.NONE
    elif entry.presence is Presence.PRESENT and not entry.unknown_outcomes:
        assert (
            outcome
            is {True: IdentityOutcome.DELETED, False: IdentityOutcome.KEPT, None: IdentityOutcome.UNKNOWN}[entry.ours]
        )


def test_every_operation_has_an_aws_action():
    assert set(ACTIONS) == set(Operation)
