"""From rows, ledger and SES to what differs between them. Pure: no Django, no AWS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ses_integration.aws.observed import ObservedRule, share_mail
from ses_integration.drift.foreign import not_ours
from ses_integration.drift.model import Drift, DriftInput, DriftKind
from ses_integration.plan.compile import Rule
from ses_integration.plan.diff import plan
from ses_integration.plan.resources import Presence, RecordedResource, ResourceKind

RIGHT_PLACE = "is AWS_REGION right? If it was changed, see ses_cleanup."


def drifts(drift_input: DriftInput) -> list[Drift]:
    """By sort and name: what has to be done first, what is only good to know last."""
    found = [
        *_elsewhere(drift_input),
        *_rule_set(drift_input),
        *_rules(drift_input),
        *_order(drift_input),
        *_identities(drift_input),
        *_owed(drift_input),
    ]
    found += not_ours(drift_input, _not_receiving(found) | drift_input.moving)
    found += _behind(drift_input, set(domains_to_mend(found)))
    rank = list(DriftKind)
    return sorted(found, key=lambda it: (rank.index(it.sort), it.kind, it.domain, it.name))


def _not_receiving(found: Iterable[Drift]) -> set[str]:
    """Domains of which a rule of ours is not in SES as the rows want it, whatever the ledger believes."""
    wrong = (DriftKind.MISSING, DriftKind.DIFFERENT, DriftKind.DISABLED)
    return {it.domain for it in found if it.kind == ResourceKind.RULE and it.sort in wrong}


def domains_to_mend(found: Sequence[Drift]) -> list[str]:
    return sorted({it.domain for it in found if it.sort.repairable})


def _elsewhere(drift_input: DriftInput) -> Iterator[Drift]:
    for place, count in drift_input.elsewhere.items():
        yield Drift(DriftKind.ELSEWHERE, "ledger of", place, why=f"it has {count} more: {RIGHT_PLACE}")


def _rule_set(drift_input: DriftInput) -> Iterator[Drift]:
    if not drift_input.rule_set_exists:
        why = "It does not exist: run ses_setup."
        if drift_input.active:
            why = f"It does not exist, and {drift_input.active} is active: run ses_setup --take-over if that may stop."
    elif not drift_input.active:
        why = "No rule set is active, so no mail is received: run ses_setup."
    elif drift_input.active != drift_input.rule_set:
        why = f"{drift_input.active} is active and receives the mail: run ses_setup --take-over if that may stop."
    else:
        return
    yield Drift(DriftKind.NOT_ACTIVE, "rule set", drift_input.rule_set, why=why)


def _rules(drift_input: DriftInput) -> Iterator[Drift]:
    seen = {rule.name: rule for rule in drift_input.rules}
    for domain, desired in drift_input.desired.items():
        if domain not in drift_input.moving:
            known = {
                entry.name: entry for entry in drift_input.entries.get(domain, ()) if entry.kind is ResourceKind.RULE
            }
            for rule in desired.rules:
                if found := _wanted_rule(domain, rule, seen.get(rule.name), known.get(rule.name)):
                    yield found
    for domain, entries in drift_input.entries.items():
        for entry in entries:
            if (
                entry.kind is not ResourceKind.RULE
                or domain in drift_input.moving
                or drift_input.desired_of(domain).rule(entry.name)
            ):
                continue
            if extra := seen.get(entry.name):
                yield Drift(
                    DriftKind.EXTRA,
                    ResourceKind.RULE,
                    entry.name,
                    domain,
                    "not wanted any more",
                    removed=_sorted(extra.recipients),
                )
            elif entry.presence is Presence.PRESENT:
                yield Drift(
                    DriftKind.UNCONFIRMED, ResourceKind.RULE, entry.name, domain, "gone; the ledger still has it"
                )


def _wanted_rule(domain: str, rule: Rule, seen: ObservedRule | None, entry: RecordedResource | None) -> Drift | None:
    def drift(sort: DriftKind, why: str = "", held: frozenset[str] = frozenset()) -> Drift:
        added, removed = rule.recipients - held, held - rule.recipients
        return Drift(sort, ResourceKind.RULE, rule.name, domain, why, _sorted(added), _sorted(removed))

    if seen is None:
        return drift(DriftKind.MISSING)
    if seen.takes_everything:
        return drift(DriftKind.DIFFERENT, "it has no recipients, so it takes the mail of every domain")
    if not seen.enabled:
        return drift(DriftKind.DISABLED, held=seen.recipients)
    wrong = [
        *(["recipients"] if seen.recipients != rule.recipients else []),
        *(["actions"] if seen.digest != rule.digest else []),
    ]
    if wrong:
        return drift(DriftKind.DIFFERENT, f"other {' and '.join(wrong)}{_bucket(rule, seen)}", seen.recipients)
    if entry is None:
        return drift(DriftKind.UNCONFIRMED, "as wanted; the ledger does not have it", seen.recipients)
    if entry.presence is Presence.ABSENT or (
        entry.presence is Presence.PRESENT and (entry.recipients, entry.digest) != (seen.recipients, seen.digest)
    ):
        return drift(DriftKind.UNCONFIRMED, "as wanted; the ledger has it otherwise", seen.recipients)
    return None


def _bucket(rule: Rule, seen: ObservedRule) -> str:
    """Both buckets where they are not the same: most likely it is the setting that is wrong, and not SES."""
    others = sorted({place.partition("/")[0] for place in seen.key_prefixes} - {rule.bucket})
    configured = f"S3_BUCKET_NAME is {rule.bucket}" if rule.bucket else "S3_BUCKET_NAME is missing"
    return f": it stores to the bucket {', '.join(others)}, and {configured}" if others else ""


def _order(drift_input: DriftInput) -> Iterator[Drift]:
    """Order matters only behind what ends the set: without that, every rule that matches runs.

    See docs/architecture/ses.md, "Order of rules".
    """
    before: list[ObservedRule] = []
    owners = {
        rule.name: (domain, rule.recipients)
        for domain, desired in drift_input.desired.items()
        for rule in desired.rules
    }
    ledger = {entry.name for entry in drift_input.recorded_of(ResourceKind.RULE)}
    for rule in drift_input.rules:
        if rule.name not in owners:
            if rule.enabled and (rule.ends or rule.may_end) and rule.name not in ledger:
                before.append(rule)
            continue
        domain, recipients = owners[rule.name]
        reasons = [why for other in before if (why := _hides(other, recipients))]
        if reasons and domain not in drift_input.moving:
            yield Drift(DriftKind.OUT_OF_ORDER, ResourceKind.RULE, rule.name, domain, why=" ".join(reasons))


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
    entries = {(domain, entry.name): entry for domain, of in drift_input.entries.items() for entry in of}
    for domain, desired in drift_input.desired.items():
        entry = entries.get((domain, domain))
        if not desired.identity or domain in drift_input.moving:
            continue
        if domain not in drift_input.identities:
            yield Drift(DriftKind.MISSING, ResourceKind.IDENTITY, domain, domain)
        elif entry is None or entry.presence is Presence.ABSENT:
            yield Drift(
                DriftKind.UNCONFIRMED, ResourceKind.IDENTITY, domain, domain, "there; the ledger does not have it"
            )
    for entry in drift_input.recorded_of(ResourceKind.IDENTITY):
        domain = entry.name
        if drift_input.desired_of(domain).identity or domain in drift_input.moving:
            continue
        if domain not in drift_input.identities:
            if entry.presence is Presence.PRESENT:
                yield Drift(
                    DriftKind.UNCONFIRMED, ResourceKind.IDENTITY, domain, domain, "gone; the ledger still has it"
                )
        elif entry.ours is False:
            yield Drift(
                DriftKind.KEPT,
                ResourceKind.IDENTITY,
                domain,
                domain,
                "not created by this installation, so it is never deleted",
            )
        else:
            yield Drift(DriftKind.EXTRA, ResourceKind.IDENTITY, domain, domain, "not wanted any more")


def _owed(drift_input: DriftInput) -> Iterator[Drift]:
    for domain, why in drift_input.pending.items():
        yield Drift(DriftKind.OWED, "domain", domain, domain, why)


def _behind(drift_input: DriftInput, told: set[str]) -> Iterator[Drift]:
    """Domains of which a pass would call SES although nothing differs, and no mark says so."""
    for domain in sorted((drift_input.desired.keys() | drift_input.entries.keys()) - drift_input.moving - told):
        if not plan(domain, drift_input.desired_of(domain), drift_input.entries.get(domain, ())).settled:
            yield Drift(
                DriftKind.UNCONFIRMED, "domain", domain, domain, "the ledger does not say what SES holds for it"
            )


def _sorted(recipients: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(recipients))
