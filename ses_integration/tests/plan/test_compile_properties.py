from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from ses_integration.plan.compile import DesiredState, Layout, compile_domain
from ses_integration.plan.spec import AddressSpec, DomainSpec
from ses_integration.tests.plan.strategies import domain_names, layouts, specs

# SES API Reference, ReceiptRule.Name
RULE_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}[a-zA-Z0-9]")


def by_name(desired: DesiredState) -> dict[str, object]:
    return {rule.name: rule for rule in desired.rules}


@given(specs(), layouts)
def test_every_rule_is_valid_for_ses(spec, layout):
    rules = compile_domain(spec, layout).rules
    assert all(RULE_NAME.fullmatch(rule.name) for rule in rules)
    assert len({rule.name for rule in rules}) == len(rules)
    assert all(1 <= len(rule.recipients) <= layout.max_recipients for rule in rules)


@given(specs(), layouts)
def test_each_active_address_is_in_one_rule_or_all_are_in_the_catch_all(spec, layout):
    recipients = sorted(recipient for rule in compile_domain(spec, layout).rules for recipient in rule.recipients)
    if spec.catch_all:
        assert recipients == [spec.name]
    else:
        assert recipients == sorted(address.address for address in spec.addresses)


@given(specs(), layouts)
def test_every_rule_has_the_actions_of_the_layout(spec, layout):
    for rule in compile_domain(spec, layout).rules:
        does = (rule.bucket, rule.key_prefix, rule.topic_arn, rule.function_arn)
        assert does == (layout.bucket, spec.key_prefix, layout.topic_arn, layout.function_arn)


@given(specs(), layouts, st.randoms(use_true_random=False))
def test_order_of_the_addresses_does_not_matter(spec, layout, random):
    shuffled = list(spec.addresses)
    random.shuffle(shuffled)
    assert compile_domain(replace(spec, addresses=tuple(shuffled)), layout) == compile_domain(spec, layout)


@given(specs(), layouts, st.integers(0, 10))
def test_adding_or_removing_an_address_changes_one_rule(spec, layout, slot):
    assume(not spec.catch_all and slot not in {address.slot for address in spec.addresses})
    address = f"new@{spec.name}"
    more = replace(spec, addresses=(*spec.addresses, AddressSpec(address, slot)))
    before, after = by_name(compile_domain(spec, layout)), by_name(compile_domain(more, layout))
    (changed,) = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
    assert after[changed].recipients - getattr(before.get(changed), "recipients", frozenset()) == {address}


@given(specs(), layouts)
def test_with_a_catch_all_addresses_change_nothing(spec, layout):
    spec = replace(spec, catch_all=True)
    assert compile_domain(replace(spec, addresses=()), layout) == compile_domain(spec, layout)


@given(specs(), layouts, st.integers(1, 20))
def test_limit_of_recipients_changes_neither_addresses_nor_actions(spec, layout, limit):
    def taken(form: Layout) -> set[tuple[str, str]]:
        return {(who, rule.digest) for rule in compile_domain(spec, form).rules for who in rule.recipients}

    assert taken(replace(layout, max_recipients=limit)) == taken(layout)


@given(domain_names, domain_names, layouts)
def test_two_domains_never_share_a_rule_name(one, other, layout):
    assume(one != other)

    def names(domain: str) -> set[str]:
        addresses = tuple(AddressSpec(f"a{slot}@{domain}", slot) for slot in range(7))
        forms = [DomainSpec(domain, "p/", addresses, catch_all, inactive=()) for catch_all in (True, False)]
        return {rule.name for form in forms for rule in compile_domain(form, layout).rules}

    assert names(one).isdisjoint(names(other))


@given(layouts)
def test_no_domain_compiles_to_nothing(layout):
    assert compile_domain(None, layout) == DesiredState()
