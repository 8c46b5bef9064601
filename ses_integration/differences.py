"""From rows, ledger and SES to what differs between them. Pure: no Django, no AWS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ses_integration.compiling import Rule
from ses_integration.planning import Entry, Kind, Known, plan
from ses_integration.seen import SeenRule, share_mail
from ses_integration.unclaimed import not_ours
from ses_integration.world import Difference, Sort, World

RIGHT_PLACE = "is AWS_REGION right? If it was changed, see ses_cleanup."


def differences(world: World) -> list[Difference]:
    """By sort and name: what has to be done first, what is only good to know last."""
    found = [*_elsewhere(world), *_rule_set(world), *_rules(world), *_order(world), *_identities(world), *_owed(world)]
    found += not_ours(world, _not_receiving(found) | world.moving)
    found += _behind(world, set(domains_to_mend(found)))
    rank = list(Sort)
    return sorted(found, key=lambda it: (rank.index(it.sort), it.kind, it.domain, it.name))


def _not_receiving(found: Iterable[Difference]) -> set[str]:
    """Domains of which a rule of ours is not in SES as the rows want it, whatever the ledger believes."""
    wrong = (Sort.MISSING, Sort.DIFFERENT, Sort.DISABLED)
    return {it.domain for it in found if it.kind == Kind.RULE and it.sort in wrong}


def domains_to_mend(found: Sequence[Difference]) -> list[str]:
    return sorted({it.domain for it in found if it.sort.mended})


def _elsewhere(world: World) -> Iterator[Difference]:
    for place, count in world.elsewhere.items():
        yield Difference(Sort.ELSEWHERE, "ledger of", place, why=f"it has {count} more: {RIGHT_PLACE}")


def _rule_set(world: World) -> Iterator[Difference]:
    if not world.rule_set_exists:
        why = "It does not exist: run ses_setup."
        if world.active:
            why = f"It does not exist, and {world.active} is active: run ses_setup --take-over if that may stop."
    elif not world.active:
        why = "No rule set is active, so no mail is received: run ses_setup."
    elif world.active != world.rule_set:
        why = f"{world.active} is active and receives the mail: run ses_setup --take-over if that may stop."
    else:
        return
    yield Difference(Sort.NOT_ACTIVE, "rule set", world.rule_set, why=why)


def _rules(world: World) -> Iterator[Difference]:
    seen = {rule.name: rule for rule in world.rules}
    for domain, wanted in world.wanted.items():
        if domain not in world.moving:
            known = {entry.name: entry for entry in world.entries.get(domain, ()) if entry.kind is Kind.RULE}
            for rule in wanted.rules:
                if found := _wanted_rule(domain, rule, seen.get(rule.name), known.get(rule.name)):
                    yield found
    for domain, entries in world.entries.items():
        for entry in entries:
            if entry.kind is not Kind.RULE or domain in world.moving or world.wanted_of(domain).rule(entry.name):
                continue
            if extra := seen.get(entry.name):
                yield Difference(
                    Sort.EXTRA, Kind.RULE, entry.name, domain, "not wanted any more", removed=_sorted(extra.recipients)
                )
            elif entry.known is Known.PRESENT:
                yield Difference(Sort.UNCONFIRMED, Kind.RULE, entry.name, domain, "gone; the ledger still has it")


def _wanted_rule(domain: str, rule: Rule, seen: SeenRule | None, entry: Entry | None) -> Difference | None:
    def difference(sort: Sort, why: str = "", held: frozenset[str] = frozenset()) -> Difference:
        added, removed = rule.recipients - held, held - rule.recipients
        return Difference(sort, Kind.RULE, rule.name, domain, why, _sorted(added), _sorted(removed))

    if seen is None:
        return difference(Sort.MISSING)
    if seen.takes_everything:
        return difference(Sort.DIFFERENT, "it has no recipients, so it takes the mail of every domain")
    if not seen.enabled:
        return difference(Sort.DISABLED, held=seen.recipients)
    wrong = [
        *(["recipients"] if seen.recipients != rule.recipients else []),
        *(["actions"] if seen.digest != rule.digest else []),
    ]
    if wrong:
        return difference(Sort.DIFFERENT, f"other {' and '.join(wrong)}{_bucket(rule, seen)}", seen.recipients)
    if entry is None:
        return difference(Sort.UNCONFIRMED, "as wanted; the ledger does not have it", seen.recipients)
    if entry.known is Known.ABSENT or (
        entry.known is Known.PRESENT and (entry.recipients, entry.digest) != (seen.recipients, seen.digest)
    ):
        return difference(Sort.UNCONFIRMED, "as wanted; the ledger has it otherwise", seen.recipients)
    return None


def _bucket(rule: Rule, seen: SeenRule) -> str:
    """Both buckets where they are not the same: most likely it is the setting that is wrong, and not SES."""
    others = sorted({place.partition("/")[0] for place in seen.key_prefixes} - {rule.bucket})
    configured = f"S3_BUCKET_NAME is {rule.bucket}" if rule.bucket else "S3_BUCKET_NAME is missing"
    return f": it stores to the bucket {', '.join(others)}, and {configured}" if others else ""


def _order(world: World) -> Iterator[Difference]:
    """Order matters only behind what ends the set: without that, every rule that matches runs (ses.md 1.7)."""
    before: list[SeenRule] = []
    owners = {rule.name: (domain, rule.recipients) for domain, wanted in world.wanted.items() for rule in wanted.rules}
    ledger = {entry.name for entry in world.entries_of(Kind.RULE)}
    for rule in world.rules:
        if rule.name not in owners:
            if rule.enabled and (rule.ends or rule.may_end) and rule.name not in ledger:
                before.append(rule)
            continue
        domain, recipients = owners[rule.name]
        reasons = [why for other in before if (why := _hides(other, recipients))]
        if reasons and domain not in world.moving:
            yield Difference(Sort.OUT_OF_ORDER, Kind.RULE, rule.name, domain, why=" ".join(reasons))


def _hides(other: SeenRule, recipients: frozenset[str]) -> str:
    shared = share_mail(other.recipients, recipients)
    if other.ends:
        what = "takes the same mail first and ends there" if shared else "ends a mail that goes to both"
        return f"It stands behind {other.name}, which {what}, with a Stop action."
    if shared:
        return (
            f"It stands behind {other.name}, which takes the same mail first and waits for a function that may end it."
        )
    return ""


def _identities(world: World) -> Iterator[Difference]:
    entries = {(domain, entry.name): entry for domain, of in world.entries.items() for entry in of}
    for domain, wanted in world.wanted.items():
        entry = entries.get((domain, domain))
        if not wanted.identity or domain in world.moving:
            continue
        if domain not in world.identities:
            yield Difference(Sort.MISSING, Kind.IDENTITY, domain, domain)
        elif entry is None or entry.known is Known.ABSENT:
            yield Difference(Sort.UNCONFIRMED, Kind.IDENTITY, domain, domain, "there; the ledger does not have it")
    for entry in world.entries_of(Kind.IDENTITY):
        domain = entry.name
        if world.wanted_of(domain).identity or domain in world.moving:
            continue
        if domain not in world.identities:
            if entry.known is Known.PRESENT:
                yield Difference(Sort.UNCONFIRMED, Kind.IDENTITY, domain, domain, "gone; the ledger still has it")
        elif entry.ours is False:
            yield Difference(
                Sort.KEPT, Kind.IDENTITY, domain, domain, "not created by this installation, so it is never deleted"
            )
        else:
            yield Difference(Sort.EXTRA, Kind.IDENTITY, domain, domain, "not wanted any more")


def _owed(world: World) -> Iterator[Difference]:
    for domain, why in world.owed.items():
        yield Difference(Sort.OWED, "domain", domain, domain, why)


def _behind(world: World, told: set[str]) -> Iterator[Difference]:
    """Domains of which a pass would call SES although nothing differs, and no mark says so."""
    for domain in sorted((world.wanted.keys() | world.entries.keys()) - world.moving - told):
        if not plan(domain, world.wanted_of(domain), world.entries.get(domain, ())).settled:
            yield Difference(
                Sort.UNCONFIRMED, "domain", domain, domain, "the ledger does not say what SES holds for it"
            )


def _sorted(recipients: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(recipients))
