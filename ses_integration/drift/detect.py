"""Drift detection: compares desired, recorded and observed state. Pure: no Django, no AWS."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from ses_integration.aws.observed import ObservedRule, share_mail
from ses_integration.drift.foreign import unmanaged
from ses_integration.drift.model import Drift, DriftInput, DriftKind
from ses_integration.plan.compile import DesiredState, Rule
from ses_integration.plan.diff import plan
from ses_integration.plan.resources import Presence, RecordedResource, ResourceKind

GONE = "gone; the ledger still has it"
NOT_WANTED = "not wanted any more"
CHECK_REGION = "is AWS_REGION right? If it was changed, see ses_cleanup."


def detect(drift_input: DriftInput) -> list[Drift]:
    """Everything that differs or is not ours, by kind, resource, domain and name."""
    found = [
        *_elsewhere(drift_input),
        *_rule_set(drift_input),
        *_rules(drift_input),
        *_order(drift_input),
        *_identities(drift_input),
        *_pending(drift_input),
    ]
    found += unmanaged(drift_input, _not_receiving(found) | drift_input.changing)
    found += _unsettled(drift_input, repairable_domains(found))
    rank = list(DriftKind)
    return sorted(found, key=lambda drift: (rank.index(drift.kind), drift.resource, drift.domain, drift.name))


def repairable_domains(found: Sequence[Drift]) -> list[str]:
    return sorted({drift.domain for drift in found if drift.repairable})


def contradicts(entry: RecordedResource, rules: Mapping[str, ObservedRule], identities: Collection[str]) -> bool:
    """Whether SES holds something else than the last answered call left. Never for an entry with unknown contents."""
    if entry.presence is Presence.UNKNOWN:
        return False
    if entry.kind is ResourceKind.IDENTITY:
        return (entry.presence is Presence.PRESENT) != (entry.name in identities)
    rule = rules.get(entry.name)
    if rule is None or entry.presence is Presence.ABSENT:
        return (rule is not None) != (entry.presence is Presence.PRESENT)
    return (rule.recipients, rule.digest) != (entry.recipients, entry.digest)


def _not_receiving(found: Iterable[Drift]) -> set[str]:
    """Domains with a rule that is missing, different or disabled in SES, whatever the ledger says."""
    wrong = (DriftKind.MISSING, DriftKind.DIFFERENT, DriftKind.DISABLED)
    return {drift.domain for drift in found if drift.resource == ResourceKind.RULE and drift.kind in wrong}


def _elsewhere(drift_input: DriftInput) -> Iterator[Drift]:
    for place, count in drift_input.elsewhere.items():
        yield Drift(DriftKind.ELSEWHERE, "ledger of", place, reason=f"it has {count} more: {CHECK_REGION}")


def _rule_set(drift_input: DriftInput) -> Iterator[Drift]:
    active, ours = drift_input.active, drift_input.rule_set
    if not drift_input.rule_set_exists:
        reason = "It does not exist: run ses_setup."
        if active:
            reason = f"It does not exist, and {active} is active: run ses_setup --take-over if that may stop."
    elif not active:
        reason = "No rule set is active, so no mail is received: run ses_setup."
    elif active != ours:
        reason = f"{active} is active and receives the mail: run ses_setup --take-over if that may stop."
    else:
        return
    yield Drift(DriftKind.NOT_ACTIVE, "rule set", ours, reason=reason)


def _rules(drift_input: DriftInput) -> Iterator[Drift]:
    observed = {rule.name: rule for rule in drift_input.rules}
    recorded, desired = drift_input.recorded(ResourceKind.RULE), drift_input.desired_rules()
    for (domain, name), rule in desired.items():
        if domain not in drift_input.changing:
            yield from _desired_rule(domain, rule, observed.get(name), recorded.get((domain, name)))
    for (domain, name), entry in recorded.items():
        if domain in drift_input.changing or (domain, name) in desired:
            continue
        if extra := observed.get(name):
            yield Drift(
                DriftKind.EXTRA, ResourceKind.RULE, name, domain, NOT_WANTED, removed=tuple(sorted(extra.recipients))
            )
        elif contradicts(entry, observed, ()):
            yield Drift(DriftKind.UNCONFIRMED, ResourceKind.RULE, name, domain, GONE)


def _desired_rule(
    domain: str, rule: Rule, observed: ObservedRule | None, entry: RecordedResource | None
) -> Iterator[Drift]:
    held = frozenset[str]() if observed is None or observed.takes_everything else observed.recipients
    changes = tuple(sorted(rule.recipients - held)), tuple(sorted(held - rule.recipients))

    def drift(kind: DriftKind, reason: str = "") -> Drift:
        return Drift(kind, ResourceKind.RULE, rule.name, domain, reason, *changes)

    if observed is None:
        yield drift(DriftKind.MISSING)
    elif observed.takes_everything:
        yield drift(DriftKind.DIFFERENT, "it has no recipients, so it takes the mail of every domain")
    elif not observed.enabled:
        yield drift(DriftKind.DISABLED)
    elif wrong := [
        *(["recipients"] if held != rule.recipients else []),
        *(["actions"] if observed.digest != rule.digest else []),
    ]:
        yield drift(DriftKind.DIFFERENT, f"other {' and '.join(wrong)}{_bucket(rule, observed)}")
    elif entry is None:
        yield drift(DriftKind.UNCONFIRMED, "as wanted; the ledger does not have it")
    elif contradicts(entry, {rule.name: observed}, ()):
        yield drift(DriftKind.UNCONFIRMED, "as wanted; the ledger has it otherwise")


def _bucket(rule: Rule, observed: ObservedRule) -> str:
    """Name both buckets if they differ: most likely the setting is wrong, and not SES."""
    others = sorted({place.partition("/")[0] for place in observed.key_prefixes} - {rule.bucket})
    configured = f"S3_BUCKET_NAME is {rule.bucket}" if rule.bucket else "S3_BUCKET_NAME is missing"
    return f": it stores to the bucket {', '.join(others)}, and {configured}" if others else ""


def _order(drift_input: DriftInput) -> Iterator[Drift]:
    """Rules of ours behind a rule that ends the rule set. Otherwise order does not matter: every rule that matches runs.

    See docs/architecture/ses.md, "Order of rules".
    """
    before: list[ObservedRule] = []
    desired = {name: (domain, rule.recipients) for (domain, name), rule in drift_input.desired_rules().items()}
    ledger = {name for _, name in drift_input.recorded(ResourceKind.RULE)}
    for rule in drift_input.rules:
        if rule.name not in desired:
            if rule.enabled and (rule.ends or rule.may_end) and rule.name not in ledger:
                before.append(rule)
            continue
        domain, recipients = desired[rule.name]
        reasons = [reason for other in before if (reason := _hides(other, recipients))]
        if reasons and domain not in drift_input.changing:
            yield Drift(DriftKind.OUT_OF_ORDER, ResourceKind.RULE, rule.name, domain, " ".join(reasons))


def _hides(other: ObservedRule, recipients: frozenset[str]) -> str:
    shared = share_mail(other.recipients, recipients)
    if other.ends:
        what = "takes the same mail first and ends there" if shared else "ends a mail that goes to both"
        return f"It stands behind {other.name}, which {what}, with a Stop action."
    if shared:
        return (
            f"It stands behind {other.name}, which takes the same mail first and waits for a function that may end it."
        )
    return ""


def _identities(drift_input: DriftInput) -> Iterator[Drift]:
    def drift(kind: DriftKind, domain: str, reason: str = "") -> Drift:
        return Drift(kind, ResourceKind.IDENTITY, domain, domain, reason)

    recorded = {name: entry for (_, name), entry in drift_input.recorded(ResourceKind.IDENTITY).items()}
    desired, observed = drift_input.desired_identities(), drift_input.identities
    for domain in (desired | recorded.keys()) - drift_input.changing:
        entry = recorded.get(domain)
        is_contradicted = entry is None or contradicts(entry, {}, observed)
        if domain in desired:
            if domain not in observed:
                yield drift(DriftKind.MISSING, domain)
            elif is_contradicted:
                yield drift(DriftKind.UNCONFIRMED, domain, "there; the ledger does not have it")
        elif domain not in observed:
            if is_contradicted:
                yield drift(DriftKind.UNCONFIRMED, domain, GONE)
        elif entry is not None and entry.ours is False:
            yield drift(DriftKind.KEPT, domain, "not created by this installation, so it is never deleted")
        else:
            yield drift(DriftKind.EXTRA, domain, NOT_WANTED)


def _pending(drift_input: DriftInput) -> Iterator[Drift]:
    for domain, reason in drift_input.pending.items():
        yield Drift(DriftKind.PENDING, "domain", domain, domain, reason)


def _unsettled(drift_input: DriftInput, reported: Collection[str]) -> Iterator[Drift]:
    """Domains for which a pass would call SES although nothing differs and they are not marked dirty."""
    domains = drift_input.desired.keys() | drift_input.entries.keys()
    for domain in sorted(domains - drift_input.changing - set(reported)):
        desired, recorded = drift_input.desired.get(domain, DesiredState()), drift_input.entries.get(domain, ())
        if not plan(domain, desired, recorded).settled:
            reason = "the ledger does not say what SES holds for it"
            yield Drift(DriftKind.UNCONFIRMED, "domain", domain, domain, reason)
