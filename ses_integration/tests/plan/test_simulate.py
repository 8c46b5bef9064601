"""What is foreseen is what convergence does, from any state that the ledger can be in."""

from __future__ import annotations

from hypothesis import given

from ses_integration.plan.resources import Operation, Presence
from ses_integration.plan.simulate import ACTIONS, CallTiming, IdentityOutcome, simulate
from ses_integration.tests.plan.test_diff_properties import DOMAIN, situations


@given(situations())
def test_the_calls_are_those_that_a_pass_makes(situation):
    """Where the ledger knows what SES holds. A call about what it does not know may be answered in more than one way."""
    follower, desired = situation
    entries = list(follower.entries.values())
    forecast = simulate(follower.domain, desired, entries)
    if any(entry.presence is Presence.UNKNOWN or entry.unknown_outcomes or entry.ours is None for entry in entries):
        return
    assert forecast.certain or forecast.waiting
    follower.follow(desired)
    assert [(call.action, call.name) for call in forecast.calls] == [
        (ACTIONS[call.operation], call.name) for call in follower.calls
    ]


@given(situations())
def test_before_is_what_the_ledger_says_and_after_what_is_wanted(situation):
    follower, desired = situation
    entries = dict(follower.entries)
    forecast = simulate(follower.domain, desired, entries.values())
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
def test_a_pass_that_is_foreseen_ends(situation):
    """What is in doubt is foreseen once more for when it has settled, and never more often than that."""
    follower, desired = situation
    forecast = simulate(follower.domain, desired, follower.entries.values())
    once_more = [call for call in forecast.calls if call.when is CallTiming.SETTLED]
    names = {entry.name for entry in follower.entries.values() if entry.unknown_outcomes}
    assert {call.name for call in once_more} <= names | set(forecast.waiting)
    assert not forecast.due or not forecast.certain or len(forecast.due) == len(forecast.calls)


@given(situations())
def test_the_identity_of_a_domain_that_goes_is_never_deleted_if_it_is_somebody_s(situation):
    follower, desired = situation
    entry = next((entry for entry in follower.entries.values() if entry.name == DOMAIN), None)
    fate = simulate(follower.domain, desired, follower.entries.values()).identity
    if desired.identity:
        return
    if entry is None or (entry.presence is Presence.ABSENT and not entry.unknown_outcomes):
        assert fate is IdentityOutcome.NONE
    elif entry.presence is Presence.PRESENT and not entry.unknown_outcomes:
        assert (
            fate
            is {True: IdentityOutcome.DELETED, False: IdentityOutcome.KEPT, None: IdentityOutcome.UNKNOWN}[entry.ours]
        )


def test_every_operation_has_its_name():
    assert set(ACTIONS) == set(Operation)
