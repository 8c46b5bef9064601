"""An owner sees their own incarnation of a name completely, and nothing of another one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_integration.plan.compile import DesiredState, Layout, compile_domain
from ses_integration.plan.incarnation import LEFT_OVER, own_rules, visible_to_owner
from ses_integration.plan.resources import Operation, Presence, RecordedResource, ResourceKind, UnknownOutcome
from ses_integration.plan.simulate import simulate
from ses_integration.plan.spec import AddressSpec, DomainSpec
from ses_integration.tests.plan.strategies import layouts, ledgers, specs
from ses_integration.tests.plan.test_diff_properties import DOMAIN

LAYOUT = Layout("inbound", "mail", max_recipients=2)
RULE, SECOND, CATCH_ALL = (f"inbound-example.com-{end}" for end in ("rule", "rule-2", "catchall-rule"))


def incarnation(*addresses: str, catch_all: bool = False, prefix: str = "emails/example.com/new/") -> DomainSpec:
    rows = tuple(AddressSpec(address, slot) for slot, address in enumerate(addresses))
    return DomainSpec(DOMAIN, prefix, rows, catch_all, inactive=())


def recorded_of(previous: DomainSpec) -> list[RecordedResource]:
    """The ledger of an incarnation that is up to date."""
    rules = compile_domain(previous, LAYOUT).rules
    held = [
        RecordedResource(
            ResourceKind.RULE, rule.name, Presence.PRESENT, exists=True, recipients=rule.recipients, digest=rule.digest
        )
        for rule in rules
    ]
    return [*held, RecordedResource(ResourceKind.IDENTITY, DOMAIN, Presence.PRESENT, exists=True, ours=True)]


def forecast_of_removal(now: DomainSpec, entries: list[RecordedResource]):
    return visible_to_owner(now, LAYOUT, simulate(DOMAIN, DesiredState(), entries), entries)


@pytest.mark.parametrize(
    "previous",
    [incarnation("a@x", "b@x", "c@x", prefix="old/"), incarnation(catch_all=True, prefix="old/")],
    ids=["addresses", "catch-all"],
)
def test_rules_of_another_incarnation_are_not_shown(previous):
    forecast = forecast_of_removal(incarnation(), recorded_of(previous))
    assert (forecast.rules, [call.name for call in forecast.calls]) == ((), [DOMAIN])
    assert (forecast.problems, forecast.certain) == ((LEFT_OVER,), False)


def test_shared_rule_shows_only_own_recipients():
    previous = incarnation("secret@x", "new@x", prefix="old/")
    (rule,) = forecast_of_removal(incarnation("new@x"), recorded_of(previous)).rules
    assert (rule.name, rule.before, rule.after, rule.others) == (RULE, ("new@x",), None, True)


def test_call_in_flight_of_another_incarnation_shows_no_recipients():
    late = UnknownOutcome(Operation.UPDATE_RULE, due=False, recipients=frozenset({"secret@x", "new@x"}))
    entry = RecordedResource(ResourceKind.RULE, RULE, Presence.UNKNOWN, unknown_outcomes=(late,))
    (rule,) = forecast_of_removal(incarnation("new@x"), [entry]).rules
    assert (rule.before, rule.may_add, rule.confirmed, rule.others) == ((), ("new@x",), False, True)
    assert "secret" not in str(forecast_of_removal(incarnation(), [entry]))


def test_rule_stays_own_after_its_address_is_deleted():
    held = recorded_of(incarnation("gone@x", "a@x"))
    (rule,) = forecast_of_removal(incarnation("a@x"), held).rules
    assert (rule.before, rule.others) == (("a@x", "gone@x"), False)
    assert forecast_of_removal(incarnation(), held).rules == (rule,)


def test_desired_rule_is_shown_before_it_is_created():
    entry = RecordedResource(ResourceKind.RULE, RULE, Presence.UNKNOWN)
    (rule,) = forecast_of_removal(incarnation("a@x"), [entry]).rules
    assert (rule.before, rule.confirmed, rule.others) == ((), False, False)


def test_removal_of_hidden_recipients_counts_as_a_change():
    previous, now = incarnation("secret@x", "a@x", prefix="old/"), incarnation("a@x")
    entries = recorded_of(previous)
    forecast = simulate(DOMAIN, compile_domain(now, LAYOUT), entries)
    (rule,) = visible_to_owner(now, LAYOUT, forecast, entries).rules
    assert (rule.before, rule.after, rule.changes) == (("a@x",), ("a@x",), True)


@st.composite
def two_incarnations(draw):
    """A ledger that any incarnation may have left, and an incarnation with some of its addresses, or none."""
    layout = draw(layouts)
    previous = draw(specs(st.just(DOMAIN)))
    entries, _ = draw(ledgers(previous, layout))
    everything = {address.address for address in previous.addresses}
    own = frozenset(draw(st.sets(st.sampled_from(sorted(everything))))) if everything else frozenset[str]()
    rows = tuple(address for address in previous.addresses if address.address in own)
    now = DomainSpec(DOMAIN, "emails/example.com/new/", rows, inactive=())
    return layout, list(entries.values()), now


@given(two_incarnations(), st.booleans())
def test_nothing_of_another_incarnation_is_shown(situation, stays):
    layout, entries, now = situation
    desired = compile_domain(now, layout) if stays else DesiredState()
    shown = visible_to_owner(now, layout, simulate(DOMAIN, desired, entries), entries)
    named = {name for rule in shown.rules for name in (*(rule.before or ()), *rule.may_add)}
    assert named <= now.recipients
    names = {rule.name for rule in shown.rules} | {DOMAIN}
    assert {call.name for call in shown.calls} | set(shown.waiting) <= names
    assert names - {DOMAIN} <= own_rules(now, layout, entries).keys() | {rule.name for rule in desired.rules}


@given(two_incarnations())
def test_everything_is_shown_if_all_of_it_is_own(situation):
    layout, entries, now = situation
    all_of_it = {
        name
        for entry in entries
        for name in (*entry.recipients, *(r for d in entry.unknown_outcomes for r in d.recipients))
    }
    known = [
        entry
        for entry in entries
        if entry.recipients
        or any(outcome.recipients for outcome in entry.unknown_outcomes)
        or entry.kind is ResourceKind.IDENTITY
    ]
    forecast = simulate(DOMAIN, DesiredState(), known)
    assert visible_to_owner(replace(now, inactive=tuple(all_of_it)), layout, forecast, known) == forecast
