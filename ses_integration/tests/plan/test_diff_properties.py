"""Plans, carried out against a model of SES from any state that the ledger can be in."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ses_integration.plan.compile import DesiredState, Layout, compile_domain
from ses_integration.plan.resources import Operation, ResourceKind
from ses_integration.plan.spec import AddressSpec, DomainSpec
from ses_integration.tests.plan.model_ses import Follower, ModelSes
from ses_integration.tests.plan.strategies import layouts, ledgers, receivings

DOMAIN = "example.com"


@st.composite
def situations(draw):
    """A domain with its ledger and its part of SES, and what is wanted now, which may be nothing."""
    layout = draw(layouts)
    spec = draw(receivings(st.just(DOMAIN)))
    entries, ses = draw(ledgers(spec, layout))
    desired = compile_domain(draw(st.sampled_from([spec, spec, None])), layout)
    return Follower(spec.name, entries, ses), desired


def in_line(follower: Follower, desired: DesiredState) -> None:
    assert follower.ses.rules == {rule.name: rule for rule in desired.rules}
    assert (follower.ses.identity is not None) == desired.identity or follower.ses.identity == "theirs"


@given(situations())
def test_when_no_call_can_land_any_more_a_pass_ends_in_what_is_wanted(situation):
    follower, desired = situation
    follower.follow(desired)
    follower.settle()
    assert follower.follow(desired).settled
    in_line(follower, desired)
    assert follower.plan(desired).forget == ()
    assert not any(entry.unknown_outcomes for entry in follower.entries.values())


@given(situations())
def test_after_a_pass_another_one_makes_no_call(situation):
    follower, desired = situation
    follower.follow(desired)
    made = len(follower.calls)
    follower.follow(desired)
    assert len(follower.calls) == made


@given(situations())
def test_every_thing_that_is_left_in_ses_stays_in_the_ledger(situation):
    follower, desired = situation

    def known(_: object) -> None:
        assert {(ResourceKind.RULE, name) for name in follower.ses.rules} <= follower.entries.keys()
        assert follower.ses.identity != "ours" or (ResourceKind.IDENTITY, follower.domain) in follower.entries

    follower.watch = known
    follower.follow(desired)
    follower.settle()
    follower.follow(desired)
    known(None)


@given(situations())
def test_a_teardown_deletes_the_rules_before_the_identity(situation):
    follower, _ = situation
    follower.follow(DesiredState())
    operations = [call.operation for call in follower.calls]
    if Operation.DELETE_IDENTITY in operations:
        after = operations[operations.index(Operation.DELETE_IDENTITY) :]
        assert Operation.DELETE_RULE not in after


@given(situations())
def test_a_new_domain_has_its_identity_before_its_first_rule(situation):
    follower, desired = situation
    for work in (follower.plan(desired), follower.plan(replace(desired, identity=True))):
        kinds = [call.kind for call in work.calls if not call.operation.removes]
        assert kinds == sorted(kinds, key=[ResourceKind.IDENTITY, ResourceKind.RULE].index)


@given(situations(), st.randoms(use_true_random=False))
def test_what_ses_refuses_holds_up_nothing_but_what_waits_for_it(situation, random):
    """And afterwards everything is as if nothing had been refused."""
    follower, desired = situation
    keys = sorted(follower.entries.keys() | {(ResourceKind.RULE, rule.name) for rule in desired.rules})
    refused = {key for key in keys if random.random() < 0.4}
    left = follower.follow(desired, refused=refused)
    assert {call.key for call in left.calls} <= refused
    follower.settle()
    assert follower.follow(desired).settled
    in_line(follower, desired)


# From nothing, through changes that are followed completely, in part, or not at all: what can really come about.

limits = st.sampled_from([1, 2, 3, 4])
locals_ = "abcdefgh"


@st.composite
def receiving_states(draw) -> DomainSpec:
    """Addresses with the slot that they have for life, some of them active."""
    active = draw(st.sets(st.sampled_from(range(len(locals_)))))
    addresses = tuple(AddressSpec(f"{locals_[slot]}@{DOMAIN}", slot) for slot in sorted(active))
    return DomainSpec(DOMAIN, "p/", addresses, draw(st.sampled_from([False, False, False, True])))


histories = st.lists(st.tuples(receiving_states(), limits, st.integers(0, 5)), max_size=4)


def lived(history) -> Follower:
    follower = Follower(DOMAIN, {}, ModelSes())
    for spec, limit, calls in history:
        follower.follow(compile_domain(spec, Layout("inbound", "mail", max_recipients=limit)), calls=calls + 3)
    return follower


@given(histories, receiving_states(), limits, st.randoms(use_true_random=False))
def test_whoever_was_received_and_still_is_wanted_is_received_all_the_time(history, spec, limit, random):
    """Also where SES refuses some of it for now."""
    follower = lived(history)
    desired = {address.address for address in spec.addresses}
    received = {address for address in desired if follower.ses.receives(address)}

    def no_gap(call) -> None:
        lost = {address for address in received if not follower.ses.receives(address)}
        assert not lost, f"{call} loses {lost}"

    follower.watch = no_gap
    compiled = compile_domain(spec, Layout("inbound", "mail", max_recipients=limit))
    refused = {(ResourceKind.RULE, rule.name) for rule in compiled.rules if random.random() < 0.3}
    follower.follow(compiled, refused=refused)
    assert follower.follow(compiled).settled
    in_line(follower, compiled)


@given(histories, receiving_states(), limits)
def test_address_rules_and_the_catch_all_never_stay_together(history, spec, limit):
    follower = lived(history)
    follower.follow(compile_domain(spec, Layout("inbound", "mail", max_recipients=limit)))
    recipients = {recipient for rule in follower.ses.rules.values() for recipient in rule.recipients}
    assert DOMAIN not in recipients or recipients == {DOMAIN}


@given(receiving_states(), st.integers(0, len(locals_) - 1), limits)
def test_one_address_more_or_less_is_one_call(spec, slot, limit):
    layout = Layout("inbound", "mail", max_recipients=limit)
    follower = Follower(DOMAIN, {}, ModelSes())
    follower.follow(compile_domain(spec, layout))
    made = len(follower.calls)
    others = tuple(address for address in spec.addresses if address.slot != slot)
    more = (*others, AddressSpec(f"{locals_[slot]}@{DOMAIN}", slot)) if others == spec.addresses else others
    follower.follow(compile_domain(replace(spec, addresses=more), layout))
    assert len(follower.calls) - made == (0 if spec.catch_all else 1)
