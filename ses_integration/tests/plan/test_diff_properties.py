"""Plans applied to a model of SES, starting from any state of the ledger."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from ses_integration.plan.compile import DesiredState, Layout, compile_domain
from ses_integration.plan.resources import Operation, ResourceKind
from ses_integration.plan.spec import AddressSpec, DomainSpec
from ses_integration.tests.plan.model_ses import ModelSes, Reconciler
from ses_integration.tests.plan.strategies import layouts, ledgers, specs

DOMAIN = "example.com"


@st.composite
def situations(draw):
    """A domain with its ledger and what SES holds, and its desired state, which may be nothing."""
    layout = draw(layouts)
    spec = draw(specs(st.just(DOMAIN)))
    entries, ses = draw(ledgers(spec, layout))
    desired = compile_domain(draw(st.sampled_from([spec, spec, None])), layout)
    return Reconciler(spec.name, entries, ses), desired


def assert_desired(reconciler: Reconciler, desired: DesiredState) -> None:
    assert reconciler.ses.rules == {rule.name: rule for rule in desired.rules}
    assert (reconciler.ses.identity is not None) == desired.identity or reconciler.ses.identity == "theirs"


@given(situations())
def test_pass_reaches_the_desired_state_once_all_calls_have_settled(situation):
    reconciler, desired = situation
    reconciler.run(desired)
    reconciler.settle()
    assert reconciler.run(desired).settled
    assert_desired(reconciler, desired)
    assert reconciler.plan(desired).forget == ()
    assert not any(entry.unknown_outcomes for entry in reconciler.entries.values())


@given(situations())
def test_second_pass_makes_no_call(situation):
    reconciler, desired = situation
    reconciler.run(desired)
    made = len(reconciler.calls)
    reconciler.run(desired)
    assert len(reconciler.calls) == made


@given(situations())
def test_everything_in_ses_stays_in_the_ledger(situation):
    reconciler, desired = situation

    def known(_: object) -> None:
        assert {(ResourceKind.RULE, name) for name in reconciler.ses.rules} <= reconciler.entries.keys()
        assert reconciler.ses.identity != "ours" or (ResourceKind.IDENTITY, reconciler.domain) in reconciler.entries

    reconciler.watch = known
    reconciler.run(desired)
    reconciler.settle()
    reconciler.run(desired)
    known(None)


@given(situations())
def test_teardown_deletes_the_rules_before_the_identity(situation):
    reconciler, _ = situation
    reconciler.run(DesiredState())
    operations = [call.operation for call in reconciler.calls]
    if Operation.DELETE_IDENTITY in operations:
        after = operations[operations.index(Operation.DELETE_IDENTITY) :]
        assert Operation.DELETE_RULE not in after


@given(situations())
def test_identity_is_created_before_the_first_rule(situation):
    reconciler, desired = situation
    for work in (reconciler.plan(desired), reconciler.plan(replace(desired, identity=True))):
        kinds = [call.kind for call in work.calls if not call.operation.removes]
        assert kinds == sorted(kinds, key=[ResourceKind.IDENTITY, ResourceKind.RULE].index)


@given(situations(), st.randoms(use_true_random=False))
def test_refused_calls_hold_up_only_calls_that_depend_on_them(situation, random):
    """Afterwards the result is the same as without refusals."""
    reconciler, desired = situation
    keys = sorted(reconciler.entries.keys() | {(ResourceKind.RULE, rule.name) for rule in desired.rules})
    refused = {key for key in keys if random.random() < 0.4}
    left = reconciler.run(desired, refused=refused)
    assert {call.key for call in left.calls} <= refused
    reconciler.settle()
    assert reconciler.run(desired).settled
    assert_desired(reconciler, desired)


# States that can really come about: from nothing, through changes that were applied completely, in part, or not at all.

limits = st.sampled_from([1, 2, 3, 4])
locals_ = "abcdefgh"


@st.composite
def receiving_states(draw) -> DomainSpec:
    """Addresses with fixed slots, some of them active."""
    active = draw(st.sets(st.sampled_from(range(len(locals_)))))
    addresses = tuple(AddressSpec(f"{locals_[slot]}@{DOMAIN}", slot) for slot in sorted(active))
    return DomainSpec(DOMAIN, "p/", addresses, draw(st.sampled_from([False, False, False, True])), inactive=())


histories = st.lists(st.tuples(receiving_states(), limits, st.integers(0, 5)), max_size=4)


def after(history) -> Reconciler:
    reconciler = Reconciler(DOMAIN, {}, ModelSes())
    for spec, limit, calls in history:
        reconciler.run(compile_domain(spec, Layout("inbound", "mail", max_recipients=limit)), calls=calls + 3)
    return reconciler


def exchange_recipients(reconciler: Reconciler, desired: DesiredState) -> bool:
    """Whether rules wait for each other's recipients in a circle. Only then the plan accepts a gap between two calls."""
    recorded = {rule.name: frozenset[str]() for rule in desired.rules}
    recorded |= {name: rule.recipients for name, rule in reconciler.ses.rules.items()}
    waits_for = {
        rule.name: {
            other.name
            for other in desired.rules
            if (recorded[rule.name] - rule.recipients) & (other.recipients - recorded[other.name])
        }
        for rule in desired.rules
    }
    while free := [name for name, others in waits_for.items() if others.isdisjoint(waits_for)]:
        for name in free:
            del waits_for[name]
    return bool(waits_for)


@given(histories, receiving_states(), limits, st.randoms(use_true_random=False))
def test_addresses_that_stay_receive_all_the_time(history, spec, limit, random):
    """Even if SES refuses some calls."""
    reconciler = after(history)
    compiled = compile_domain(spec, Layout("inbound", "mail", max_recipients=limit))
    assume(not exchange_recipients(reconciler, compiled))
    desired = {address.address for address in spec.addresses}
    received = {address for address in desired if reconciler.ses.receives(address)}

    def no_gap(call) -> None:
        lost = {address for address in received if not reconciler.ses.receives(address)}
        assert not lost, f"{call} loses {lost}"

    reconciler.watch = no_gap
    refused = {(ResourceKind.RULE, rule.name) for rule in compiled.rules if random.random() < 0.3}
    reconciler.run(compiled, refused=refused)
    assert reconciler.run(compiled).settled
    assert_desired(reconciler, compiled)


@given(histories, receiving_states(), limits)
def test_address_rules_and_catch_all_never_remain_together(history, spec, limit):
    reconciler = after(history)
    reconciler.run(compile_domain(spec, Layout("inbound", "mail", max_recipients=limit)))
    recipients = {recipient for rule in reconciler.ses.rules.values() for recipient in rule.recipients}
    assert DOMAIN not in recipients or recipients == {DOMAIN}


@given(receiving_states(), st.integers(0, len(locals_) - 1), limits)
def test_adding_or_removing_an_address_takes_one_call(spec, slot, limit):
    layout = Layout("inbound", "mail", max_recipients=limit)
    reconciler = Reconciler(DOMAIN, {}, ModelSes())
    reconciler.run(compile_domain(spec, layout))
    made = len(reconciler.calls)
    others = tuple(address for address in spec.addresses if address.slot != slot)
    more = (*others, AddressSpec(f"{locals_[slot]}@{DOMAIN}", slot)) if others == spec.addresses else others
    reconciler.run(compile_domain(replace(spec, addresses=more), layout))
    assert len(reconciler.calls) - made == (0 if spec.catch_all else 1)
