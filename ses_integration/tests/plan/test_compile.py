from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_integration.plan.compile import DesiredState, Layout, Rule, compile_domain, rule_name
from ses_integration.plan.spec import AddressSpec, DomainSpec

LAYOUT = Layout(rule_prefix="inbound", bucket="mail", max_recipients=3)
LONG = "a" * 63 + ".example.com"

labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
domain_names = st.lists(labels, min_size=2, max_size=5).map(".".join)


@st.composite
def specs(draw):
    name = draw(domain_names)
    locals_ = draw(st.sets(st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True), max_size=12))
    slots = draw(st.lists(st.integers(0, 40), min_size=len(locals_), max_size=len(locals_), unique=True))
    addresses = tuple(AddressSpec(f"{local}@{name}", slot) for local, slot in zip(sorted(locals_), slots, strict=True))
    return DomainSpec(name, f"emails/{name}/x/", addresses, draw(st.booleans()), inactive=())


def domain(*local_parts: str, name: str = "example.com", catch_all: bool = False) -> DomainSpec:
    addresses = tuple(AddressSpec(f"{local}@{name}") for local in local_parts)
    return DomainSpec(name, f"emails/{name}/1/", addresses, catch_all, inactive=())


def test_no_domain_compiles_to_nothing():
    assert compile_domain(None, LAYOUT) == DesiredState()


def test_domain_without_addresses_has_an_identity_and_no_rule():
    assert compile_domain(domain(), LAYOUT) == DesiredState(identity=True)


def test_addresses_share_one_rule():
    (rule,) = compile_domain(domain("a", "b"), LAYOUT).rules
    assert rule == Rule(
        "inbound-example.com-rule", frozenset({"a@example.com", "b@example.com"}), "mail", "emails/example.com/1/"
    )


def test_each_chunk_has_its_own_rule():
    addresses = (AddressSpec("a@example.com", 1), AddressSpec("b@example.com", 5))
    spec = DomainSpec("example.com", "p/", addresses, inactive=())
    layout = Layout("inbound", "mail", max_recipients=2)
    assert [rule.name for rule in compile_domain(spec, layout).rules] == [
        "inbound-example.com-rule",
        "inbound-example.com-rule-3",
    ]


def test_catch_all_has_only_the_bare_domain_as_recipient():
    (rule,) = compile_domain(domain("a", catch_all=True), LAYOUT).rules
    assert (rule.name, rule.recipients) == ("inbound-example.com-catchall-rule", {"example.com"})


def test_rule_name_of_a_long_domain_contains_a_hash():
    assert rule_name("inbound", LONG, "-rule") == "inbound-ab3fee3be0c0eafc-rule"


def test_rule_without_recipients_is_refused():
    with pytest.raises(ValueError, match="every recipient"):
        Rule("inbound-x-rule", frozenset(), "mail", "p/")


def test_digest_depends_on_topic_and_function():
    plain, full = (
        compile_domain(domain("a"), layout).rules[0].digest
        for layout in (LAYOUT, Layout("inbound", "mail", "arn:topic", "arn:function"))
    )
    assert plain != full


@given(specs())
def test_rules_are_valid_for_ses(spec):
    desired = compile_domain(spec, LAYOUT)
    names = [rule.name for rule in desired.rules]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,62}[a-z0-9]", name) for name in names)
    assert all(rule.recipients for rule in desired.rules)


@given(specs())
def test_each_active_address_is_in_exactly_one_rule(spec):
    matching = [rule for rule in compile_domain(spec, LAYOUT).rules for _ in rule.recipients]
    if spec.catch_all:
        assert [rule.recipients for rule in matching] == [{spec.name}]
    else:
        recipients = [recipient for rule in set(matching) for recipient in rule.recipients]
        assert sorted(recipients) == sorted(address.address for address in spec.addresses)


@given(specs(), st.from_regex(r"new[a-z0-9]{1,8}", fullmatch=True), st.integers(41, 80))
def test_adding_an_address_changes_one_rule(spec, local, slot):
    more = replace(spec, addresses=(*spec.addresses, AddressSpec(f"{local}@{spec.name}", slot)))
    before = {rule.name: rule for rule in compile_domain(spec, LAYOUT).rules}
    after = {rule.name: rule for rule in compile_domain(more, LAYOUT).rules}
    changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
    assert len(changed) == (0 if spec.catch_all else 1)
