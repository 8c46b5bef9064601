"""Plans, carried out against a model of SES from any state that the ledger can be in."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ses_integration.compiling import Layout, Wanted, compile_domain
from ses_integration.planning import Kind, Operation
from ses_integration.receiving import DomainReceiving, ReceivingAddress
from ses_integration.tests.model_ses import Follower, ModelSes
from ses_integration.tests.strategies import layouts, ledgers, receivings

DOMAIN = "example.com"


@st.composite
def situations(draw):
    """A domain with its ledger and its part of SES, and what is wanted now, which may be nothing."""
    layout = draw(layouts)
    receiving = draw(receivings(st.just(DOMAIN)))
    entries, ses = draw(ledgers(receiving, layout))
    wanted = compile_domain(draw(st.sampled_from([receiving, receiving, None])), layout)
    return Follower(receiving.name, entries, ses), wanted


def in_line(follower: Follower, wanted: Wanted) -> None:
    assert follower.ses.rules == {rule.name: rule for rule in wanted.rules}
    assert (follower.ses.identity is not None) == wanted.identity or follower.ses.identity == "theirs"


@given(situations())
def test_when_no_call_can_land_any_more_a_pass_ends_in_what_is_wanted(situation):
    follower, wanted = situation
    follower.follow(wanted)
    follower.settle()
    assert follower.follow(wanted).settled
    in_line(follower, wanted)
    assert follower.plan(wanted).forget == ()
    assert not any(entry.doubts for entry in follower.entries.values())


@given(situations())
def test_after_a_pass_another_one_makes_no_call(situation):
    follower, wanted = situation
    follower.follow(wanted)
    made = len(follower.calls)
    follower.follow(wanted)
    assert len(follower.calls) == made


@given(situations())
def test_every_thing_that_is_left_in_ses_stays_in_the_ledger(situation):
    follower, wanted = situation

    def known(_: object) -> None:
        assert {(Kind.RULE, name) for name in follower.ses.rules} <= follower.entries.keys()
        assert follower.ses.identity != "ours" or (Kind.IDENTITY, follower.domain) in follower.entries

    follower.watch = known
    follower.follow(wanted)
    follower.settle()
    follower.follow(wanted)
    known(None)


@given(situations())
def test_a_teardown_deletes_the_rules_before_the_identity(situation):
    follower, _ = situation
    follower.follow(Wanted())
    operations = [call.operation for call in follower.calls]
    if Operation.DELETE_IDENTITY in operations:
        after = operations[operations.index(Operation.DELETE_IDENTITY) :]
        assert Operation.DELETE_RULE not in after


@given(situations())
def test_a_new_domain_has_its_identity_before_its_first_rule(situation):
    follower, wanted = situation
    for work in (follower.plan(wanted), follower.plan(replace(wanted, identity=True))):
        kinds = [call.kind for call in work.calls if not call.operation.removes]
        assert kinds == sorted(kinds, key=[Kind.IDENTITY, Kind.RULE].index)


@given(situations(), st.randoms(use_true_random=False))
def test_what_ses_refuses_holds_up_nothing_but_what_waits_for_it(situation, random):
    """And afterwards everything is as if nothing had been refused."""
    follower, wanted = situation
    keys = sorted(follower.entries.keys() | {(Kind.RULE, rule.name) for rule in wanted.rules})
    refused = {key for key in keys if random.random() < 0.4}
    left = follower.follow(wanted, refused=refused)
    assert {call.key for call in left.calls} <= refused
    follower.settle()
    assert follower.follow(wanted).settled
    in_line(follower, wanted)


# From nothing, through changes that are followed completely, in part, or not at all: what can really come about.

limits = st.sampled_from([1, 2, 3, 4])
locals_ = "abcdefgh"


@st.composite
def receiving_states(draw) -> DomainReceiving:
    """Addresses with the slot that they have for life, some of them active."""
    active = draw(st.sets(st.sampled_from(range(len(locals_)))))
    addresses = tuple(ReceivingAddress(f"{locals_[slot]}@{DOMAIN}", slot) for slot in sorted(active))
    return DomainReceiving(DOMAIN, "p/", addresses, draw(st.sampled_from([False, False, False, True])))


histories = st.lists(st.tuples(receiving_states(), limits, st.integers(0, 5)), max_size=4)


def lived(history) -> Follower:
    follower = Follower(DOMAIN, {}, ModelSes())
    for receiving, limit, calls in history:
        follower.follow(compile_domain(receiving, Layout("inbound", "mail", max_recipients=limit)), calls=calls + 3)
    return follower


@given(histories, receiving_states(), limits, st.randoms(use_true_random=False))
def test_whoever_was_received_and_still_is_wanted_is_received_all_the_time(history, receiving, limit, random):
    """Also where SES refuses some of it for now."""
    follower = lived(history)
    wanted = {address.address for address in receiving.addresses}
    received = {address for address in wanted if follower.ses.receives(address)}

    def no_gap(call) -> None:
        lost = {address for address in received if not follower.ses.receives(address)}
        assert not lost, f"{call} loses {lost}"

    follower.watch = no_gap
    compiled = compile_domain(receiving, Layout("inbound", "mail", max_recipients=limit))
    refused = {(Kind.RULE, rule.name) for rule in compiled.rules if random.random() < 0.3}
    follower.follow(compiled, refused=refused)
    assert follower.follow(compiled).settled
    in_line(follower, compiled)


@given(histories, receiving_states(), limits)
def test_address_rules_and_the_catch_all_never_stay_together(history, receiving, limit):
    follower = lived(history)
    follower.follow(compile_domain(receiving, Layout("inbound", "mail", max_recipients=limit)))
    recipients = {recipient for rule in follower.ses.rules.values() for recipient in rule.recipients}
    assert DOMAIN not in recipients or recipients == {DOMAIN}


@given(receiving_states(), st.integers(0, len(locals_) - 1), limits)
def test_one_address_more_or_less_is_one_call(receiving, slot, limit):
    layout = Layout("inbound", "mail", max_recipients=limit)
    follower = Follower(DOMAIN, {}, ModelSes())
    follower.follow(compile_domain(receiving, layout))
    made = len(follower.calls)
    others = tuple(address for address in receiving.addresses if address.slot != slot)
    more = (*others, ReceivingAddress(f"{locals_[slot]}@{DOMAIN}", slot)) if others == receiving.addresses else others
    follower.follow(compile_domain(replace(receiving, addresses=more), layout))
    assert len(follower.calls) - made == (0 if receiving.catch_all else 1)
