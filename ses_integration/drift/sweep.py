"""Sweeps: find differences that no write path has recorded: rows changed behind our back, and SES changed by others.

A sweep never writes to SES: it invalidates the ledger and marks the domain dirty, and the ordinary loop repairs. If nothing
differs it only reads, in a number of statements that does not depend on how much there is. The sweep of the database also
records that it was made, once for each ledger, and voids the change logs of domains that it cannot compare. See
docs/architecture/protocol.md, "Sweeps".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet

from audit.actions import Action
from audit.record import record_names
from ses_integration.aws.observe import Observation, observe_all_rules
from ses_integration.aws.observed import ObservedRule
from ses_integration.conf import SesConfig, ses_config
from ses_integration.coordination import quotas
from ses_integration.coordination.clock import database_now, written_ahead
from ses_integration.drift.compare import recorded_names
from ses_integration.drift.detect import contradicts
from ses_integration.models import DomainSync, LedgerEntry, LedgerIdentity, RuleSetState
from ses_integration.plan.compile import DesiredState
from ses_integration.plan.diff import plan
from ses_integration.plan.resources import Presence, RecordedResource, ResourceKind
from ses_integration.reconcile import outbox, record, snapshot


@dataclass(frozen=True, slots=True)
class Swept:
    """Names of domains: those whose ledger was invalidated, and those that differ, too, but were dirty already.

    The pass that is under way for the latter may not know of the difference: sweep again once they are up to date.
    """

    invalidated: list[str]
    skipped: list[str]


def sweep_database() -> list[str]:
    """Compare rows and ledger, and mark each domain dirty that differs and is not; no AWS call. Returns their names.

    Heals raw SQL, `_raw_delete`, lost marks, and ledger rows whose domain is gone.
    """
    config = ses_config()
    pending = set(_dirty(config).values_list("domain", flat=True))
    all_read = not pending or _void_change_logs(config)
    entries = snapshot.recorded_of(config, None, database_now())
    desired = snapshot.desired_of(config, None)
    marked = [
        domain
        for domain in sorted(desired.keys() | entries.keys())
        if domain not in pending
        and not plan(domain, desired.get(domain, DesiredState()), entries.get(domain, [])).settled
        and _mark_dirty_if_behind(config, domain)
    ]
    _record_rows_compared(config, all_read=all_read)
    return marked


def _void_change_logs(config: SesConfig) -> bool:
    """Make the next pass over each pending domain read everything, because the sweep does not compare them.

    False if that was not possible for all: waiting for rows that others have locked could deadlock.
    """
    with transaction.atomic():
        unlocked = _dirty(config).exclude(change_log="").select_for_update(skip_locked=True)
        DomainSync.objects.filter(pk__in=unlocked.values("pk")).update(change_log="")
    return not _dirty(config).exclude(change_log="").exists()


def _record_rows_compared(config: SesConfig, *, all_read: bool) -> None:
    """Record that the last sweep was of this ledger, so that every change of a row since then has a mark in it.

    `all_read`: every domain was compared, or its next pass will read everything.
    """
    if config.region and all_read:
        quotas.rule_set_state(config)
        RuleSetState.objects.of(config).filter(rows_compared=False).update(rows_compared=True)
    # Last, so that of two sweeps of two ledgers at a time at most one counts.
    RuleSetState.objects.elsewhere(config).filter(rows_compared=True).update(rows_compared=False)


def _mark_dirty_if_behind(config: SesConfig, domain: str) -> bool:
    """Compare once more with the sync state locked: rows and ledger were read one after the other."""
    with transaction.atomic():
        sync = DomainSync.objects.of(config).select_for_update().filter(domain=domain).first()
        if sync is not None and sync.pending:
            DomainSync.objects.filter(pk=sync.pk).update(change_log="")
            return False
        entries = snapshot.recorded_of(config, [domain], database_now()).get(domain, [])
        if plan(domain, snapshot.desired_of(config, [domain])[domain], entries).settled:
            return False
        outbox.raise_generation(config, domain)
        record_names(Action.REPAIRED, DomainSync._meta.label_lower, [domain])
        return True


def claim_sweep(spacing: float) -> float | None:
    """Claim the next sweep of SES: None if the caller is to sweep now, else the seconds until it may ask again.

    A sweep may begin `spacing` seconds after the last one began. The claim is no lease and is never given back: a worker
    whose sweep has failed, or that has just started, asks with a short `spacing`.
    """
    config = ses_config()
    if not config.region:
        return None  # the sweep itself says what is missing
    quotas.rule_set_state(config)
    scope = RuleSetState.objects.of(config)
    now, apart = database_now(), timedelta(seconds=spacing)
    if scope.filter(Q(swept_at=None) | Q(swept_at__lte=now - apart) | written_ahead("swept_at", now)).update(
        swept_at=now
    ):
        return None
    began = scope.values_list("swept_at", flat=True).get() or now
    return max(0.0, (began + apart - now).total_seconds())


def sweep_ses() -> Swept:
    """Compare SES and ledger: one description of the rule set and the identity list. Raises SesError when SES cannot be asked."""
    config = ses_config()
    known = recorded_names(config)
    return sweep_observed(config, observe_all_rules(config), known)


def sweep_observed(config: SesConfig, seen: Observation, known: frozenset[tuple[str, str]]) -> Swept:
    """Compare what was observed with the ledger, which had the `known` names before.

    If only the identities could not be listed, rules that differ are invalidated all the same before it raises.
    """
    with transaction.atomic():
        record.end_outage(config)
    swept = invalidate(config, seen)
    if seen.identities_error is not None:
        raise seen.identities_error
    # What we remove or create meanwhile is not foreign.
    known |= recorded_names(config)
    quotas.record_foreign(
        config,
        held=len(seen.rules),
        rules=sum((ResourceKind.RULE, rule.name) not in known for rule in seen.rules),
        identities=sum((ResourceKind.IDENTITY, name) not in known for name in seen.identities)
        + seen.address_identities,
    )
    return swept


def invalidate(config: SesConfig, seen: Observation, domains: Collection[str] | None = None) -> Swept:
    """Invalidate ledger entries that SES contradicts, and mark their domains dirty; of these domains, or of all.

    Leaves alone entries that have changed since SES was asked or have a call in flight, and domains that are dirty already.
    """
    differing: dict[str, list[LedgerEntry]] = defaultdict(list)
    rules = {rule.name: rule for rule in seen.rules}
    held = snapshot.recipients_by_entry(config, None)
    entries = LedgerEntry.objects.of(config).filter(changed_at__lt=seen.asked_at, in_flight=None)
    if seen.identities_error is not None:
        entries = entries.filter(kind=ResourceKind.RULE)
    for entry in entries:
        if domains is not None and entry.domain not in domains:
            continue
        if contradicts(_recorded(entry, held.get(entry.pk, ())), rules, seen.identities):
            differing[entry.domain].append(entry)
    swept = Swept([], [])
    for domain in sorted(differing):
        with transaction.atomic():
            # The sync state first, as every pass does, so that we cannot deadlock with one.
            sync = DomainSync.objects.of(config).select_for_update().filter(domain=domain).first()
            if sync is not None and sync.pending:
                swept.skipped.append(domain)
                continue
            changed = [_invalidate(entry, rules, seen.identities) for entry in differing[domain]]
            if any(changed):
                outbox.raise_generation(config, domain)
                swept.invalidated.append(domain)
                names = [entry.name for entry in differing[domain]]
                record_names(Action.REPAIRED, DomainSync._meta.label_lower, [domain], resources=names)
    return swept


def any_up_to_date(domains: Collection[str]) -> bool:
    """Whether one of these domains is not dirty any more."""
    config = ses_config()
    clean = DomainSync.objects.of(config).filter(domain__in=domains).exclude(pk__in=_dirty(config).values("pk"))
    return bool(domains) and clean.exists()


def _dirty(config: SesConfig) -> QuerySet[DomainSync]:
    return DomainSync.objects.of(config).filter(generation__gt=F("observed_generation"))


def _recorded(entry: LedgerEntry, recipients: Collection[str]) -> RecordedResource:
    kind, presence = ResourceKind(entry.kind), Presence(entry.presence)
    return RecordedResource(kind, entry.name, presence, recipients=frozenset(recipients), digest=entry.digest)


def _invalidate(entry: LedgerEntry, rules: dict[str, ObservedRule], identities: Collection[str]) -> bool:
    exists = entry.name in (rules if entry.kind == ResourceKind.RULE else identities)
    # Only if no call has been made or answered since SES was observed.
    if not LedgerEntry.objects.filter(pk=entry.pk, changed_at=entry.changed_at, in_flight=None).update(
        presence=Presence.UNKNOWN, exists=exists
    ):
        return False
    # Recipients that others have taken out, switched off or sent elsewhere are not received any more.
    rule = rules.get(entry.name) if entry.kind == ResourceKind.RULE else None
    seen = rule.recipients if rule and rule.enabled and rule.digest else frozenset()
    entry.recipients.exclude(recipient__in=seen).delete()
    if not exists:
        LedgerIdentity.objects.filter(entry=entry).delete()
    return True
