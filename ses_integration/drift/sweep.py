"""Two looks that find what the marks cannot know: rows changed behind our back, and SES changed by others.

Neither writes to SES: a difference un-confirms the ledger and bumps the mark, and the ordinary loop repairs. Where nothing
differs they only read, in a number of statements that does not depend on how much there is (docs/architecture/protocol.md,
"Sweeps").
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet

from ses_integration.aws.observe import Observation, observe_rules
from ses_integration.aws.observed import ObservedRule
from ses_integration.conf import SesConfig, ses_config
from ses_integration.coordination import quotas
from ses_integration.coordination.clock import database_now
from ses_integration.models import DomainSync, LedgerEntry, LedgerIdentity, LedgerRecipient, RuleSetState
from ses_integration.plan.compile import DesiredState
from ses_integration.plan.diff import plan
from ses_integration.plan.resources import Presence, ResourceKind
from ses_integration.reconcile import outbox, record, snapshot


@dataclass(frozen=True, slots=True)
class Swept:
    """Names of domains: whose ledger was un-confirmed, and who differ too but have a mark, so that a pass is on its way.

    That pass may know nothing of the difference: look at them again once they are in line.
    """

    unconfirmed: list[str]
    skipped: list[str]


def sweep_database() -> list[str]:
    """Compare rows and ledger, and mark each domain that differs without having a mark; no AWS call.

    Heals raw SQL, `_raw_delete`, lost marks, and ledger rows whose domain is gone. Returns the names it marked.
    """
    config = ses_config()
    pending = set(_owed(config).values_list("domain", flat=True))
    entries = snapshot.recorded_of(config, None, database_now())
    desired = snapshot.desired_of(config, None)
    return [
        domain
        for domain in sorted(desired.keys() | entries.keys())
        if domain not in pending
        and not plan(domain, desired.get(domain, DesiredState()), entries.get(domain, [])).settled
        and _mark_if_behind(config, domain)
    ]


def _mark_if_behind(config: SesConfig, domain: str) -> bool:
    """Rows and ledger were read one after the other, and much may have happened since: look at both with the mark held."""
    with transaction.atomic():
        sync = DomainSync.objects.of(config).select_for_update().filter(domain=domain).first()
        if sync is not None and sync.pending:
            return False
        entries = snapshot.recorded_of(config, [domain], database_now()).get(domain, [])
        if plan(domain, snapshot.desired_of(config, [domain])[domain], entries).settled:
            return False
        outbox.raise_generation(config, domain)
        return True


def claim_sweep(spacing: float) -> float | None:
    """None for whoever is to sweep SES now; else in how many seconds to ask again: `spacing` after the last one began.

    Of workers that come at the same time one is enough, and each call that is saved is a request's. The claim is no lease,
    and nobody gives it back: whoever still needs a sweep, because one has failed or its worker was killed, asks for it
    with a short `spacing`.
    """
    config = ses_config()
    if not config.region:
        return None  # nobody's: the sweep itself says what is missing
    quotas.rule_set_state(config)
    scope = RuleSetState.objects.of(config)
    now, apart = database_now(), timedelta(seconds=spacing)
    if scope.filter(Q(swept_at=None) | Q(swept_at__lte=now - apart)).update(swept_at=now):
        return None
    began = scope.values_list("swept_at", flat=True).get() or now
    return max(0.0, (began + apart - now).total_seconds())


def sweep_ses() -> Swept:
    """Compare SES and ledger: one DescribeReceiptRuleSet and the identity list. Raises SesError when SES cannot be asked.

    Where only the identities cannot be listed, what differs of the rules is un-confirmed all the same before it raises.
    """
    config = ses_config()
    # Before and after: what we remove or make meanwhile is not somebody else's.
    known = _names(config)
    seen = observe_rules(config)
    with transaction.atomic():
        record.end_outage(config)
    swept = unconfirm(config, seen)
    if seen.identities_error is not None:
        raise seen.identities_error
    known |= _names(config)
    quotas.record_foreign(
        config,
        rules=sum((ResourceKind.RULE, rule.name) not in known for rule in seen.rules),
        identities=sum((ResourceKind.IDENTITY, name) not in known for name in seen.identities)
        + seen.address_identities,
    )
    return swept


def unconfirm(config: SesConfig, seen: Observation, domains: Collection[str] | None = None) -> Swept:
    """Un-confirm what the ledger says otherwise than SES did, and mark it; of these domains, or of all.

    Leaves alone what has changed since SES was asked, what is in doubt, and domains that have a mark
    (docs/architecture/protocol.md, "Sweeps").
    """
    differing: dict[str, list[LedgerEntry]] = defaultdict(list)
    rules = {rule.name: rule for rule in seen.rules}
    held = _recipients(config)
    entries = LedgerEntry.objects.of(config).filter(changed_at__lt=seen.asked_at, in_flight=None)
    if seen.identities_error is not None:
        entries = entries.filter(kind=ResourceKind.RULE)
    for entry in entries:
        if (domains is None or entry.domain in domains) and _differs(entry, held, rules, seen.identities):
            differing[entry.domain].append(entry)
    swept = Swept([], [])
    for domain in sorted(differing):
        with transaction.atomic():
            # The mark first, as every pass does, so that we cannot deadlock with one.
            sync = DomainSync.objects.of(config).select_for_update().filter(domain=domain).first()
            if sync is not None and sync.pending:
                swept.skipped.append(domain)
                continue
            changed = [_unconfirm(entry, rules, seen.identities) for entry in differing[domain]]
            if any(changed):
                outbox.raise_generation(config, domain)
                swept.unconfirmed.append(domain)
    return swept


def any_in_line(domains: Collection[str]) -> bool:
    """Whether a pass has brought one of these domains to its end, as far as the pass knows."""
    config = ses_config()
    return (
        bool(domains)
        and DomainSync.objects.of(config).filter(domain__in=domains).exclude(pk__in=_owed(config).values("pk")).exists()
    )


def _owed(config: SesConfig) -> QuerySet[DomainSync]:
    return DomainSync.objects.of(config).filter(generation__gt=F("observed_generation"))


def _names(config: SesConfig) -> set[tuple[str, str]]:
    return set(LedgerEntry.objects.of(config).values_list("kind", "name"))


def _recipients(config: SesConfig) -> dict[int, set[str]]:
    """By ledger entry, in one statement: a list of their keys could be longer than what a statement takes."""
    found: dict[int, set[str]] = defaultdict(set)
    for entry_id, recipient in LedgerRecipient.objects.of(config).values_list("entry_id", "recipient"):
        found[entry_id].add(recipient)
    return found


def _differs(
    entry: LedgerEntry, held: dict[int, set[str]], rules: dict[str, ObservedRule], identities: Collection[str]
) -> bool:
    if entry.presence == Presence.UNKNOWN:
        return False  # it has a mark already
    if entry.kind == ResourceKind.IDENTITY:
        return (entry.presence == Presence.PRESENT) != (entry.name in identities)
    seen = rules.get(entry.name)
    if seen is None or entry.presence == Presence.ABSENT:
        return (seen is not None) != (entry.presence == Presence.PRESENT)
    return (seen.recipients, seen.digest) != (frozenset(held.get(entry.pk, ())), entry.digest)


def _unconfirm(entry: LedgerEntry, rules: dict[str, ObservedRule], identities: Collection[str]) -> bool:
    exists = entry.name in (rules if entry.kind == ResourceKind.RULE else identities)
    # Only if no call has been made or answered since we looked.
    if not LedgerEntry.objects.filter(pk=entry.pk, changed_at=entry.changed_at, in_flight=None).update(
        presence=Presence.UNKNOWN, exists=exists
    ):
        return False
    # What others have taken out, switched off or sent elsewhere is not received any more.
    rule = rules.get(entry.name) if entry.kind == ResourceKind.RULE else None
    seen = rule.recipients if rule and rule.enabled and rule.digest else frozenset()
    entry.recipients.exclude(recipient__in=seen).delete()
    if not exists:
        LedgerIdentity.objects.filter(entry=entry).delete()
    return True
