"""A change of one rule needs the same plan, whether the planner is given the whole domain or only this rule.

`Snapshot.load` relies on it (docs/architecture/protocol.md, "Read one rule").
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ses_integration.plan.compile import Layout, Rule, compile_domain
from ses_integration.plan.diff import plan
from ses_integration.plan.resources import Operation, Presence, RecordedResource, ResourceKind, UnknownOutcome
from ses_integration.plan.spec import AddressSpec, DomainSpec

DOMAIN = "example.com"
OPERATIONS = [Operation.CREATE_RULE, Operation.UPDATE_RULE, Operation.DELETE_RULE]
LAYOUT = Layout(rule_prefix="inbound", bucket="mail", max_recipients=2)
RULES = 4
SLOTS = range(RULES * LAYOUT.max_recipients)

slot_sets = st.frozensets(st.sampled_from(SLOTS))
recipients = slot_sets.map(lambda slots: frozenset(address(slot).address for slot in slots))
outcomes = st.builds(UnknownOutcome, st.sampled_from(OPERATIONS), st.booleans(), recipients)


def address(slot: int) -> AddressSpec:
    return AddressSpec(f"a{slot}@{DOMAIN}", slot)


def domain(slots: frozenset[int]) -> DomainSpec:
    return DomainSpec(DOMAIN, "emails/1/", tuple(address(slot) for slot in sorted(slots)), inactive=())


def settled(rule: Rule) -> RecordedResource:
    return RecordedResource(
        ResourceKind.RULE, rule.name, Presence.PRESENT, exists=True, recipients=rule.recipients, digest=rule.digest
    )


@st.composite
def changed_rules(draw: st.DrawFn, rule_name: str) -> RecordedResource | None:
    """Whatever the ledger may have of the rule that has changed."""
    presence = draw(st.sampled_from([None, *Presence]))
    if presence is None:
        return None
    unknown_outcomes = tuple(draw(st.lists(outcomes, max_size=2)))
    if presence is Presence.ABSENT:
        return replace(RecordedResource.absent(ResourceKind.RULE, rule_name), unknown_outcomes=unknown_outcomes)
    return RecordedResource(
        ResourceKind.RULE,
        rule_name,
        presence,
        exists=presence is Presence.PRESENT or draw(st.booleans()),
        recipients=draw(recipients),
        digest=draw(st.sampled_from(["", "another digest"])),
        unknown_outcomes=unknown_outcomes,
    )


identities = st.one_of(
    st.none(),
    st.builds(
        RecordedResource,
        st.just(ResourceKind.IDENTITY),
        st.just(DOMAIN),
        st.sampled_from(Presence),
        exists=st.booleans(),
        ours=st.sampled_from([None, True, False]),
        has_verification_token=st.booleans(),
        mail_from=st.sampled_from(["", f"mail.{DOMAIN}", f"bounce.{DOMAIN}"]),
    ),
)


@given(st.data(), slot_sets, st.integers(0, RULES - 1), identities, st.booleans())
def test_plan_is_the_same_without_the_rules_that_are_settled(data, slots, chunk, identity, rule_set_full):
    name = LAYOUT.rule_name(DOMAIN, chunk)
    now = domain(slots)
    others = [settled(rule) for rule in compile_domain(now, LAYOUT).rules if rule.name != name]
    changed = [it for it in (data.draw(changed_rules(name)), identity) if it is not None]
    only = domain(slots & set(LAYOUT.slots(chunk)))

    whole = plan(DOMAIN, compile_domain(now, LAYOUT), [*changed, *others], rule_set_full=rule_set_full)
    alone = plan(DOMAIN, compile_domain(only, LAYOUT), changed, rule_set_full=rule_set_full)
    assert alone == whole
