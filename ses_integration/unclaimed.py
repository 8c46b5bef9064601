"""What is in SES and neither in our ledger nor wanted by our rows: somebody else's until it is proven otherwise. Pure.

The proof is a rule's name, which is that of a rule of ours for its recipients, the place in our bucket where it stores their
mail, and no other owner's tag on their identity; and of an identity its tag.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from ses_integration.planning import Kind
from ses_integration.reference_rules import is_reference_rule, not_received
from ses_integration.seen import SeenRule
from ses_integration.world import Difference, Sort, World

NEEDED = "rules of ours do not receive as they should, so it may be needed: run ses_reconcile --apply first"


def looks_like_ours(rule: SeenRule, prefix: str, bucket: str) -> bool:
    """Whether an installation with this prefix and bucket may have made it: it is named after its recipients' domain, and
    stores where mail of that domain goes."""
    domain = rule.domain
    return (
        named_like_ours(rule, prefix)
        and any(rule.key_prefixes)
        and all(key.startswith(f"{bucket}/emails/{domain}/") for key in rule.key_prefixes)
    )


def named_like_ours(rule: SeenRule, prefix: str) -> bool:
    """Whether an installation with this prefix gives such a name to a rule with these recipients."""
    domain = rule.domain
    hashed = hashlib.sha256(domain.encode()).hexdigest()[:16]
    return bool(domain) and any(
        re.fullmatch(rf"{prefix}-{re.escape(name)}(-catchall-rule|-rule(-\d+)?)", rule.name)
        for name in (domain, hashed)
    )


def tags_to_read(world: World) -> list[str]:
    """Identities whose tag has to be read before anything can be claimed: of them, and of orphan rules of their domain."""
    ours = {entry.name for entry in world.entries_of(Kind.IDENTITY) if entry.ours}
    rules = {rule.domain for rule in _unclaimed_rules(world) if looks_like_ours(rule, world.rule_prefix, world.bucket)}
    identities = {name for name in unclaimed_identities(world) if name in world.marked}
    return sorted(((rules & world.identities) - ours) | identities)


def not_ours(world: World, not_receiving: Collection[str]) -> Iterator[Difference]:
    """`not_receiving` are domains of which our own rules are not known to be as wanted: what else takes their mail stays."""
    ours = frozenset(domain for domain, wanted in world.wanted.items() if wanted.identity)
    for rule in _unclaimed_rules(world):
        difference = _unclaimed_rule(world, rule, needed=rule.domain in not_receiving)
        if difference.sort is Sort.FOREIGN and rule.enabled:
            difference = replace(difference, takes_from=_taken_from(ours, rule))
        yield difference
    for name in unclaimed_identities(world):
        owner = world.owners.get(name)
        if owner == world.installation:
            why = "it has our tag, and is in no ledger: ses_cleanup removes it"
            yield Difference(Sort.ORPHAN, Kind.IDENTITY, name, name, why)
        else:
            why = f"created by installation {owner}" if owner else ""
            yield Difference(Sort.FOREIGN, Kind.IDENTITY, name, name, why)


def _unclaimed_rule(world: World, rule: SeenRule, *, needed: bool) -> Difference:
    def difference(sort: Sort, why: str, *, to_add: Sequence[str] = (), adoptable: bool = False) -> Difference:
        return Difference(
            sort,
            Kind.RULE,
            rule.name,
            rule.domain,
            why,
            recipients=tuple(sorted(rule.recipients)),
            to_add=tuple(to_add),
            takes_everything=rule.takes_everything and rule.enabled,
            adoptable=adoptable,
            needed=needed,
        )

    if looks_like_ours(rule, world.rule_prefix, world.bucket):
        owner = world.owners.get(rule.domain, "")
        if needed and owner in ("", world.installation):
            return difference(Sort.ORPHAN, f"it has our prefix, and is in no ledger; {NEEDED}")
        if owner in ("", world.installation):
            return difference(Sort.ORPHAN, "it has our prefix, and is in no ledger: ses_cleanup removes it")
        return difference(Sort.FOREIGN, f"it has our prefix, but the identity is of installation {owner}")
    if is_reference_rule(rule):
        wanted = world.wanted.get(rule.domain)
        if wanted is None:
            return difference(Sort.REFERENCE, f"{rule.domain} is no domain of ours: add it first")
        if to_add := not_received(rule.recipients, wanted):
            first = "switch its catch-all on first" if rule.domain in to_add else "add these addresses first"
            return difference(Sort.REFERENCE, f"its mail would be lost: {first}", to_add=to_add)
        if needed:
            return difference(Sort.REFERENCE, NEEDED)
        return difference(Sort.REFERENCE, "ses_reconcile --adopt replaces it by ours", adoptable=True)
    if named_like_ours(rule, world.rule_prefix):
        return difference(Sort.FOREIGN, "it has our prefix, but does not store mail where ours do")
    if rule.name.startswith(f"{world.rule_prefix}-"):
        return difference(Sort.FOREIGN, "it has our prefix, but is not the rule of any domain as we name them")
    return difference(Sort.FOREIGN, "" if rule.enabled else "disabled")


def _taken_from(ours: frozenset[str], rule: SeenRule) -> tuple[str, ...]:
    """The domains among `ours` that it names a recipient of."""
    # `.example.com` takes every subdomain's mail (ses.md 1.6).
    below = tuple(domain for domain in rule.domains if domain.startswith("."))
    return tuple(sorted(rule.domains & ours | {domain for domain in ours if below and domain.endswith(below)}))


def _unclaimed_rules(world: World) -> Iterator[SeenRule]:
    claimed = {entry.name for entry in world.entries_of(Kind.RULE)}
    claimed |= {rule.name for wanted in world.wanted.values() for rule in wanted.rules}
    return (rule for rule in world.rules if rule.name not in claimed and (Kind.RULE, rule.name) not in world.was_ours)


def unclaimed_identities(world: World) -> list[str]:
    claimed = {entry.name for entry in world.entries_of(Kind.IDENTITY)}
    claimed |= {domain for domain, wanted in world.wanted.items() if wanted.identity}
    return sorted(name for name in world.identities - claimed if (Kind.IDENTITY, name) not in world.was_ours)
