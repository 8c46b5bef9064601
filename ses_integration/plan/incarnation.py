"""Filter recorded state to one incarnation of a domain, so that an owner never sees a previous owner's data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ses_integration.plan.compile import Layout, compile_domain
from ses_integration.plan.resources import RecordedResource, ResourceKind
from ses_integration.plan.simulate import Forecast, RuleChange
from ses_integration.plan.spec import DomainSpec

LEFT_OVER = (
    "SES may still hold rules for addresses that the domain no longer has: deleted ones, or those of an earlier"
    " registration of its name. They are removed automatically and are not part of this plan."
)


@dataclass(frozen=True, slots=True)
class Incarnation:
    """A domain from its creation to its deletion. The ledger is kept by name, and the name may have had other owners.

    `spec` describes the domain now. `recipients`: all recipients in its rows, those of inactive addresses included.
    """

    spec: DomainSpec
    recipients: frozenset[str]


def rule_digest(name: str, key_prefix: str, layout: Layout) -> str:
    """Digest of all rules that store mail of the domain `name` under `key_prefix`."""
    return compile_domain(DomainSpec(name, key_prefix, catch_all=True), layout).rules[0].digest


def own_rules(
    incarnation: Incarnation, layout: Layout, resources: Iterable[RecordedResource]
) -> dict[str, frozenset[str]]:
    """Map each rule of the incarnation to its recorded and in-flight recipients that belong to the incarnation.

    A rule belongs to it if it is desired, has one of its recipients, or stores mail under its key prefix.
    """
    desired = {rule.name for rule in compile_domain(incarnation.spec, layout).rules}
    digest = rule_digest(incarnation.spec.name, incarnation.spec.key_prefix, layout)
    own: dict[str, frozenset[str]] = {}
    for resource in resources:
        if resource.kind is not ResourceKind.RULE:
            continue
        is_own = resource.digest == digest
        recipients = resource.recipients.union(*(outcome.recipients for outcome in resource.unknown_outcomes))
        # Start from the rule's recipients: a large domain has far more, and this runs once for each rule.
        visible = recipients & incarnation.recipients
        if is_own:
            visible |= resource.recipients
        if is_own or resource.name in desired or visible:
            own[resource.name] = visible
    return own


def visible_to_owner(
    incarnation: Incarnation, layout: Layout, forecast: Forecast, resources: Iterable[RecordedResource]
) -> Forecast:
    """Remove rules, calls and recipients of other incarnations. If a rule was removed, `problems` says so."""
    own = own_rules(incarnation, layout, resources)
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
