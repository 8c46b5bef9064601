"""Unmanaged resources: in SES, but in neither ledger nor desired state. Foreign unless ownership is proven. Pure.

An unmanaged identity is ours if its tag says so. An unmanaged rule is ours if all of this is true:

- we would give this name to a rule with these recipients
- it stores their mail in our bucket, where we would store it
- their identity does not have the tag of another installation

Rules of the reference service, whose account we may be taking over, are recognised by what that service makes: see
docs/api/compatibility.md, "Rules of the reference service".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from ses_integration.aws.observed import ObservedRule, covers
from ses_integration.drift.model import Drift, DriftInput, DriftKind
from ses_integration.plan.compile import DesiredState
from ses_integration.plan.resources import ResourceKind

NEEDED = "rules of ours do not receive as they should, so it may be needed: run ses_reconcile --apply first"
_REFERENCE_ACTIONS = (("S3Action",), ("S3Action", "LambdaAction"))


def named_like_ours(rule: ObservedRule, prefix: str) -> bool:
    """Whether an installation with this prefix would give this name to a rule with these recipients."""
    domain = rule.domain
    hashed = hashlib.sha256(domain.encode()).hexdigest()[:16]
    return bool(domain) and any(
        re.fullmatch(rf"{prefix}-{re.escape(name)}(-catchall-rule|-rule(-\d+)?)", rule.name)
        for name in (domain, hashed)
    )


def looks_like_ours(rule: ObservedRule, prefix: str, bucket: str) -> bool:
    """Whether an installation with this prefix and bucket may have made the rule: name and storage prefix fit its domain."""
    return named_like_ours(rule, prefix) and rule.stores_only_in(f"{bucket}/emails/{rule.domain}/")


def is_reference_rule(rule: ObservedRule) -> bool:
    """Whether the reference service made the rule.

    It is called `<domain>-rule` with addresses of the domain, or `<domain>-catchall-rule` with the domain itself, and stores
    mail where that service does.
    """
    domain = rule.domain
    if not domain or rule.actions not in _REFERENCE_ACTIONS or rule.may_end:
        return False
    if rule.name == f"{domain}-catchall-rule":
        prefix, fits = f"emails/{domain}/catchall/", rule.recipients == {domain}
    else:
        fits = rule.name == f"{domain}-rule" and domain not in rule.recipients
        prefix = f"emails/{domain}/"
    return fits and all(key.partition("/")[2] == prefix for key in rule.key_prefixes)


def not_received(recipients: Iterable[str], desired: DesiredState) -> list[str]:
    """Those of a rule's recipients whose mail the desired rules would not receive."""
    ours = frozenset(recipient for own in desired.rules for recipient in own.recipients)
    return sorted(recipient for recipient in recipients if not covers(ours, recipient))


def tags_to_read(drift_input: DriftInput) -> list[str]:
    """Identities whose tag decides about something that looks like ours: about them, or about rules of their domain."""
    ours = {name for (_, name), entry in drift_input.recorded(ResourceKind.IDENTITY).items() if entry.ours}
    rules = {
        rule.domain
        for rule in _unmanaged_rules(drift_input)
        if looks_like_ours(rule, drift_input.rule_prefix, drift_input.bucket)
    }
    identities = {name for name in _unmanaged_identities(drift_input) if name in drift_input.known_domains}
    return sorted(((rules & drift_input.identities) - ours) | identities)


def all_tags_to_read(drift_input: DriftInput) -> list[str]:
    """`tags_to_read`, and every other unmanaged identity: only its tag can tell whether it is ours."""
    return sorted({*tags_to_read(drift_input), *_unmanaged_identities(drift_input)})


def unmanaged(drift_input: DriftInput, not_receiving: Collection[str]) -> Iterator[Drift]:
    """Classify everything that is unmanaged.

    `not_receiving` are domains whose own rules may be missing or wrong. Other rules that take their mail must stay.
    """
    ours = drift_input.desired_identities()
    for rule in _unmanaged_rules(drift_input):
        drift = _classify(drift_input, rule, needed=rule.domain in not_receiving)
        if drift.kind is DriftKind.FOREIGN and rule.enabled:
            drift = replace(drift, takes_from=_taken_from(ours, rule))
        yield drift
    for name in _unmanaged_identities(drift_input):
        owner = drift_input.owners.get(name)
        if owner == drift_input.installation:
            reason = f"it has our tag, and is in no ledger: {_clean_up(name)}"
            yield Drift(DriftKind.ORPHAN, ResourceKind.IDENTITY, name, name, reason)
        else:
            reason = f"created by installation {owner}" if owner else ""
            yield Drift(DriftKind.FOREIGN, ResourceKind.IDENTITY, name, name, reason)


def _clean_up(domain: str) -> str:
    """Names the domain, because a database that was restored from an older backup does not know it."""
    command = f"ses_cleanup --apply --domain {domain}" if domain else "ses_cleanup --apply"
    return f"{command} removes it, with --force if that is more than a third of what is ours"


def _classify(drift_input: DriftInput, rule: ObservedRule, *, needed: bool) -> Drift:
    def drift(kind: DriftKind, reason: str, *, to_add: Sequence[str] = (), adoptable: bool = False) -> Drift:
        return Drift(
            kind,
            ResourceKind.RULE,
            rule.name,
            rule.domain,
            reason,
            recipients=tuple(sorted(rule.recipients)),
            to_add=tuple(to_add),
            takes_everything=rule.takes_everything and rule.enabled,
            adoptable=adoptable,
            needed=needed,
        )

    if looks_like_ours(rule, drift_input.rule_prefix, drift_input.bucket):
        owner = drift_input.owners.get(rule.domain, "")
        if owner not in ("", drift_input.installation):
            return drift(DriftKind.FOREIGN, f"it has our prefix, but the identity is of installation {owner}")
        then = f"; {NEEDED}" if needed else f": {_clean_up(rule.domain)}"
        return drift(DriftKind.ORPHAN, f"it has our prefix, and is in no ledger{then}")
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
    """Domains of ours whose mail the rule takes."""
    # `.example.com` takes the mail of every subdomain (docs/architecture/ses.md, "Recipients").
    below = tuple(domain for domain in rule.domains if domain.startswith("."))
    return tuple(sorted(rule.domains & ours | {domain for domain in ours if below and domain.endswith(below)}))


def _unmanaged_rules(drift_input: DriftInput) -> Iterator[ObservedRule]:
    managed = _names_recorded(drift_input, ResourceKind.RULE) | {name for _, name in drift_input.desired_rules()}
    return (rule for rule in drift_input.rules if rule.name not in managed)


def _unmanaged_identities(drift_input: DriftInput) -> list[str]:
    managed = _names_recorded(drift_input, ResourceKind.IDENTITY) | drift_input.desired_identities()
    return sorted(drift_input.identities - managed)


def _names_recorded(drift_input: DriftInput, kind: ResourceKind) -> set[str]:
    """Names that the ledger has, or had before SES was asked."""
    now = {name for _, name in drift_input.recorded(kind)}
    return now | {name for before, name in drift_input.recorded_before if before == kind}
