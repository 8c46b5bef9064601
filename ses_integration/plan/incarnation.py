"""What of a name's ledger belongs to one life of the domain, and so may be shown to its owner. Pure: no Django, no AWS."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ses_integration.plan.compile import Layout, compile_domain
from ses_integration.plan.resources import RecordedResource, ResourceKind
from ses_integration.plan.simulate import Forecast, RuleChange
from ses_integration.plan.spec import DomainSpec

LEFT_OVER = (
    "SES may still hold rules for addresses that the domain has no more, deleted ones or those of an earlier life of its"
    " name. They are removed without anybody asking, and are not in this plan."
)


@dataclass(frozen=True, slots=True)
class Incarnation:
    """A domain from its creation to its deletion; the ledger hangs on its name, which may have had other owners before.

    `receiving` is what its rows want now, and `recipients` all that they name, inactive addresses included.
    """

    spec: DomainSpec
    recipients: frozenset[str]


def rule_digest(name: str, key_prefix: str, layout: Layout) -> str:
    """That of every rule that the life writes which stores its mail under this prefix."""
    return compile_domain(DomainSpec(name, key_prefix, catch_all=True), layout).rules[0].digest


def own_rules(
    incarnation: Incarnation, layout: Layout, entries: Iterable[RecordedResource]
) -> dict[str, frozenset[str]]:
    """The rules of this life, and those recipients of each, held or in doubt, that are its own as well.

    A rule is its own if its rows want it, if it has one of its recipients, or if this life has written it: it stores where
    only this life's mail goes.
    """
    desired = {rule.name for rule in compile_domain(incarnation.spec, layout).rules}
    digest = rule_digest(incarnation.spec.name, incarnation.spec.key_prefix, layout)
    own: dict[str, frozenset[str]] = {}
    for entry in entries:
        if entry.kind is not ResourceKind.RULE:
            continue
        written = entry.digest == digest
        carried = entry.recipients.union(*(outcome.recipients for outcome in entry.unknown_outcomes))
        # Never a union with all that the life has: of a large domain that is more than the ledger, once for each rule.
        known = carried & incarnation.recipients
        if written:
            known |= entry.recipients
        if written or entry.name in desired or known:
            own[entry.name] = known
    return own


def visible_to_owner(
    incarnation: Incarnation, layout: Layout, forecast: Forecast, entries: Iterable[RecordedResource]
) -> Forecast:
    """The same without what another life has left: neither its recipients, nor its rules and the calls about them."""
    own = own_rules(incarnation, layout, entries)
    rules = tuple(
        _without_others(rule, own.get(rule.name, frozenset()))
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


def _without_others(rule: RuleChange, known: frozenset[str]) -> RuleChange:
    before = None if rule.before is None else tuple(it for it in rule.before if it in known)
    may_add = tuple(it for it in rule.may_add if it in known)
    return replace(rule, before=before, may_add=may_add, others=(before, may_add) != (rule.before, rule.may_add))
