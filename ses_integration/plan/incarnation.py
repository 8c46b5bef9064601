"""Filter recorded state to one incarnation of a domain, so that an owner never sees a previous owner's data.

The ledger is kept by name, and the name may have had other owners.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ses_integration.plan.compile import Layout, compile_domain
from ses_integration.plan.resources import RecordedResource, ResourceKind
from ses_integration.plan.simulate import Forecast, RuleChange
from ses_integration.plan.spec import DomainSpec

LEFT_OVER = (
    "SES may still hold rules for addresses that the domain no longer has: deleted ones, or those of an earlier"
    " registration of its name. They are removed automatically and are not part of this plan."
)


def rule_digest(name: str, key_prefix: str, layout: Layout) -> str:
    """Digest of all rules that store mail of the domain `name` under `key_prefix`."""
    return compile_domain(DomainSpec(name, key_prefix, catch_all=True, inactive=()), layout).rules[0].digest


def own_rules(domain: DomainSpec, layout: Layout, resources: Iterable[RecordedResource]) -> dict[str, frozenset[str]]:
    """Map each rule of the incarnation to its recorded and in-flight recipients that belong to the incarnation.

    A rule belongs to it if it is desired, has one of its recipients, or stores mail under its key prefix.
    """
    desired = {rule.name for rule in compile_domain(domain, layout).rules}
    digest = rule_digest(domain.name, domain.key_prefix, layout)
    own_recipients = domain.recipients
    own: dict[str, frozenset[str]] = {}
    for resource in resources:
        if resource.kind is not ResourceKind.RULE:
            continue
        is_own = resource.digest == digest
        recipients = resource.recipients.union(*(outcome.recipients for outcome in resource.unknown_outcomes))
        # Start from the rule's recipients: a large domain has far more, and this runs once for each rule.
        visible = recipients & own_recipients
        if is_own:
            visible |= resource.recipients
        if is_own or resource.name in desired or visible:
            own[resource.name] = visible
    return own


def visible_to_owner(
    domain: DomainSpec, layout: Layout, forecast: Forecast, resources: Iterable[RecordedResource]
) -> Forecast:
    """Remove rules, calls and recipients of other incarnations. If a rule was removed, `problems` says so."""
    own = own_rules(domain, layout, resources)
    rules = tuple(
        _with_own_recipients(rule, own.get(rule.name, frozenset()))
        for rule in forecast.rules
        if rule.after is not None or rule.name in own
    )
    hidden = {rule.name for rule in forecast.rules} - {rule.name for rule in rules}
    if not hidden:
        return replace(forecast, rules=rules)
    return replace(
        forecast,
        rules=rules,
        calls=tuple(call for call in forecast.calls if call.name not in hidden),
        waiting=tuple(name for name in forecast.waiting if name not in hidden),
        problems=(*forecast.problems, LEFT_OVER),
    )


def _with_own_recipients(rule: RuleChange, own: frozenset[str]) -> RuleChange:
    before = None if rule.before is None else tuple(recipient for recipient in rule.before if recipient in own)
    may_add = tuple(recipient for recipient in rule.may_add if recipient in own)
    return replace(rule, before=before, may_add=may_add, others=(before, may_add) != (rule.before, rule.may_add))
