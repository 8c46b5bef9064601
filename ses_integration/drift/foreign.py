"""What is in SES and neither in our ledger nor wanted by our rows: somebody else's until it is proven otherwise. Pure.

The proof is a rule's name, which is that of a rule of ours for its recipients, the place in our bucket where it stores their
mail, and no other owner's tag on their identity; and of an identity its tag.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from ses_integration.aws.observed import ObservedRule
from ses_integration.drift.model import Drift, DriftInput, DriftKind
from ses_integration.drift.reference_rules import is_reference_rule, not_received
from ses_integration.plan.resources import ResourceKind

NEEDED = "rules of ours do not receive as they should, so it may be needed: run ses_reconcile --apply first"


def looks_like_ours(rule: ObservedRule, prefix: str, bucket: str) -> bool:
    """Whether an installation with this prefix and bucket may have made it: it is named after its recipients' domain, and
    stores where mail of that domain goes."""
    domain = rule.domain
    return (
        named_like_ours(rule, prefix)
        and any(rule.key_prefixes)
        and all(key.startswith(f"{bucket}/emails/{domain}/") for key in rule.key_prefixes)
    )


def named_like_ours(rule: ObservedRule, prefix: str) -> bool:
    """Whether an installation with this prefix gives such a name to a rule with these recipients."""
    domain = rule.domain
    hashed = hashlib.sha256(domain.encode()).hexdigest()[:16]
    return bool(domain) and any(
        re.fullmatch(rf"{prefix}-{re.escape(name)}(-catchall-rule|-rule(-\d+)?)", rule.name)
        for name in (domain, hashed)
    )


def tags_to_read(drift_input: DriftInput) -> list[str]:
    """Identities whose tag has to be read before anything can be claimed: of them, and of orphan rules of their domain."""
    ours = {entry.name for entry in drift_input.recorded_of(ResourceKind.IDENTITY) if entry.ours}
    rules = {
        rule.domain
        for rule in _unclaimed_rules(drift_input)
        if looks_like_ours(rule, drift_input.rule_prefix, drift_input.bucket)
    }
    identities = {name for name in unclaimed_identities(drift_input) if name in drift_input.marked}
    return sorted(((rules & drift_input.identities) - ours) | identities)


def not_ours(drift_input: DriftInput, not_receiving: Collection[str]) -> Iterator[Drift]:
    """`not_receiving` are domains of which our own rules are not known to be as wanted: what else takes their mail stays."""
    ours = frozenset(domain for domain, desired in drift_input.desired.items() if desired.identity)
    for rule in _unclaimed_rules(drift_input):
        drift = _unclaimed_rule(drift_input, rule, needed=rule.domain in not_receiving)
        if drift.sort is DriftKind.FOREIGN and rule.enabled:
            drift = replace(drift, takes_from=_taken_from(ours, rule))
        yield drift
    for name in unclaimed_identities(drift_input):
        owner = drift_input.owners.get(name)
        if owner == drift_input.installation:
            why = "it has our tag, and is in no ledger: ses_cleanup removes it"
            yield Drift(DriftKind.ORPHAN, ResourceKind.IDENTITY, name, name, why)
        else:
            why = f"created by installation {owner}" if owner else ""
            yield Drift(DriftKind.FOREIGN, ResourceKind.IDENTITY, name, name, why)


def _unclaimed_rule(drift_input: DriftInput, rule: ObservedRule, *, needed: bool) -> Drift:
    def drift(sort: DriftKind, why: str, *, to_add: Sequence[str] = (), adoptable: bool = False) -> Drift:
        return Drift(
            sort,
            ResourceKind.RULE,
            rule.name,
            rule.domain,
            why,
            recipients=tuple(sorted(rule.recipients)),
            to_add=tuple(to_add),
            takes_everything=rule.takes_everything and rule.enabled,
            adoptable=adoptable,
            needed=needed,
        )

    if looks_like_ours(rule, drift_input.rule_prefix, drift_input.bucket):
        owner = drift_input.owners.get(rule.domain, "")
        if needed and owner in ("", drift_input.installation):
            return drift(DriftKind.ORPHAN, f"it has our prefix, and is in no ledger; {NEEDED}")
        if owner in ("", drift_input.installation):
            return drift(DriftKind.ORPHAN, "it has our prefix, and is in no ledger: ses_cleanup removes it")
        return drift(DriftKind.FOREIGN, f"it has our prefix, but the identity is of installation {owner}")
    if is_reference_rule(rule):
        desired = drift_input.desired.get(rule.domain)
        if desired is None:
            return drift(DriftKind.REFERENCE, f"{rule.domain} is no domain of ours: add it first")
        if to_add := not_received(rule.recipients, desired):
            first = "switch its catch-all on first" if rule.domain in to_add else "add these addresses first"
            return drift(DriftKind.REFERENCE, f"its mail would be lost: {first}", to_add=to_add)
        if needed:
            return drift(DriftKind.REFERENCE, NEEDED)
        return drift(DriftKind.REFERENCE, "ses_reconcile --adopt replaces it by ours", adoptable=True)
    if named_like_ours(rule, drift_input.rule_prefix):
        return drift(DriftKind.FOREIGN, "it has our prefix, but does not store mail where ours do")
    if rule.name.startswith(f"{drift_input.rule_prefix}-"):
        return drift(DriftKind.FOREIGN, "it has our prefix, but is not the rule of any domain as we name them")
    return drift(DriftKind.FOREIGN, "" if rule.enabled else "disabled")


def _taken_from(ours: frozenset[str], rule: ObservedRule) -> tuple[str, ...]:
    """The domains among `ours` that it names a recipient of."""
    # `.example.com` takes every subdomain's mail (docs/architecture/ses.md, "Recipients").
    below = tuple(domain for domain in rule.domains if domain.startswith("."))
    return tuple(sorted(rule.domains & ours | {domain for domain in ours if below and domain.endswith(below)}))


def _unclaimed_rules(drift_input: DriftInput) -> Iterator[ObservedRule]:
    claimed = {entry.name for entry in drift_input.recorded_of(ResourceKind.RULE)}
    claimed |= {rule.name for desired in drift_input.desired.values() for rule in desired.rules}
    return (
        rule
        for rule in drift_input.rules
        if rule.name not in claimed and (ResourceKind.RULE, rule.name) not in drift_input.was_ours
    )


def unclaimed_identities(drift_input: DriftInput) -> list[str]:
    claimed = {entry.name for entry in drift_input.recorded_of(ResourceKind.IDENTITY)}
    claimed |= {domain for domain, desired in drift_input.desired.items() if desired.identity}
    return sorted(
        name for name in drift_input.identities - claimed if (ResourceKind.IDENTITY, name) not in drift_input.was_ours
    )
