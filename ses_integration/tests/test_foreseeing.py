"""What is foreseen is what convergence does, from any state that the ledger can be in."""

from __future__ import annotations

from hypothesis import given

from ses_integration.foreseeing import ACTIONS, Fate, When, foresee
from ses_integration.planning import Known, Operation
from ses_integration.tests.test_planning_properties import DOMAIN, situations


@given(situations())
def test_the_calls_are_those_that_a_pass_makes(situation):
    """Where the ledger knows what SES holds. A call about what it does not know may be answered in more than one way."""
    follower, wanted = situation
    entries = list(follower.entries.values())
    foreseen = foresee(follower.domain, wanted, entries)
    if any(entry.known is Known.UNKNOWN or entry.doubts or entry.ours is None for entry in entries):
        return
    assert foreseen.certain or foreseen.waiting
    follower.follow(wanted)
    assert [(call.action, call.name) for call in foreseen.calls] == [
        (ACTIONS[call.operation], call.name) for call in follower.calls
    ]


@given(situations())
def test_before_is_what_the_ledger_says_and_after_what_is_wanted(situation):
    follower, wanted = situation
    entries = dict(follower.entries)
    foreseen = foresee(follower.domain, wanted, entries.values())
    assert {rule.name: rule.after for rule in foreseen.rules if rule.after is not None} == {
        rule.name: tuple(sorted(rule.recipients)) for rule in wanted.rules
    }
    for rule in foreseen.rules:
        entry = next((entry for entry in entries.values() if entry.name == rule.name), None)
        if entry is None or entry.known is Known.ABSENT:
            assert rule.before is None
        else:
            assert set(rule.before or ()) == entry.recipients
        assert rule.confirmed == (entry is None or (entry.known is not Known.UNKNOWN and not entry.doubts))


@given(situations())
def test_a_pass_that_is_foreseen_ends(situation):
    """What is in doubt is foreseen once more for when it has settled, and never more often than that."""
    follower, wanted = situation
    foreseen = foresee(follower.domain, wanted, follower.entries.values())
    once_more = [call for call in foreseen.calls if call.when is When.SETTLED]
    names = {entry.name for entry in follower.entries.values() if entry.doubts}
    assert {call.name for call in once_more} <= names | set(foreseen.waiting)
    assert not foreseen.due or not foreseen.certain or len(foreseen.due) == len(foreseen.calls)


@given(situations())
def test_the_identity_of_a_domain_that_goes_is_never_deleted_if_it_is_somebody_s(situation):
    follower, wanted = situation
    entry = next((entry for entry in follower.entries.values() if entry.name == DOMAIN), None)
    fate = foresee(follower.domain, wanted, follower.entries.values()).identity
    if wanted.identity:
        return
    if entry is None or (entry.known is Known.ABSENT and not entry.doubts):
        assert fate is Fate.NONE
    elif entry.known is Known.PRESENT and not entry.doubts:
        assert fate is {True: Fate.DELETED, False: Fate.KEPT, None: Fate.UNKNOWN}[entry.ours]


def test_every_operation_has_its_name():
    assert set(ACTIONS) == set(Operation)
