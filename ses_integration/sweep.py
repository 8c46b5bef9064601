"""Two looks that find what the marks cannot know: rows changed behind our back, and SES changed by others (protocol 5).

Neither writes to SES: a difference un-confirms the ledger and bumps the mark, and the ordinary loop repairs.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import F

from ses_integration import marks, reading
from ses_integration.clock import database_now
from ses_integration.config import SesConfig, ses_config
from ses_integration.errors import RuleSetMissing
from ses_integration.gateway import Gateway, SeenRule
from ses_integration.models import DomainMark, IdentityFacts, LedgerEntry
from ses_integration.planning import Kind, Known, plan
from ses_integration.rate import turn


def sweep_database() -> list[str]:
    """Compare rows and ledger, and mark each domain that differs without having a mark; no AWS call.

    Heals raw SQL, `_raw_delete`, lost marks, and ledger rows whose domain is gone. Returns the names it marked.
    """
    config = ses_config()
    marked: list[str] = []
    with transaction.atomic():
        settled = set(
            DomainMark.objects.of(config).filter(generation=F("applied_generation")).values_list("domain", flat=True)
        )
        known = set(DomainMark.objects.of(config).values_list("domain", flat=True))
        entries = reading.entries_of(config, None, database_now())
        wanted = reading.wanted_of(config, None)
        absent = reading.wanted_of(config, entries.keys() - wanted.keys())
        for domain, wish in sorted((wanted | absent).items()):
            owed_already = domain in known and domain not in settled
            if not owed_already and not plan(domain, wish, entries.get(domain, [])).settled:
                marks.bump(config, domain)
                marked.append(domain)
    return marked


def sweep_ses() -> list[str]:
    """Compare SES and ledger: one DescribeReceiptRuleSet and the identity list. Returns the names it un-confirmed.

    Raises SesError when SES cannot be asked.
    """
    config = ses_config()
    gateway = Gateway(config)
    try:
        with turn(config):
            # Whatever changes after this moment is newer than what SES is about to tell.
            asked_at = database_now()
            rules = {rule.name: rule for rule in gateway.rules()}
    except RuleSetMissing:
        rules = {}
    identities = {name.lower() for name in gateway.identities()}
    entries = (
        LedgerEntry.objects.of(config).filter(changed_at__lt=asked_at, unanswered=None).prefetch_related("recipients")
    )
    differing = [entry for entry in entries if _differs(entry, rules, identities)]
    return _unconfirm(config, differing, rules, identities)


def _differs(entry: LedgerEntry, rules: dict[str, SeenRule], identities: Iterable[str]) -> bool:
    if entry.known == Known.UNKNOWN:
        return False  # it has a mark already
    if entry.kind == Kind.IDENTITY:
        return (entry.known == Known.PRESENT) != (entry.name in identities)
    seen = rules.get(entry.name)
    if seen is None or entry.known == Known.ABSENT:
        return (seen is not None) != (entry.known == Known.PRESENT)
    held = frozenset(recipient.recipient for recipient in entry.recipients.all())
    return (seen.recipients, seen.digest) != (held, entry.digest)


def _unconfirm(
    config: SesConfig, entries: list[LedgerEntry], rules: dict[str, SeenRule], identities: Iterable[str]
) -> list[str]:
    domains: set[str] = set()
    for entry in sorted(entries, key=lambda entry: entry.domain):
        with transaction.atomic():
            exists = entry.name in (rules if entry.kind == Kind.RULE else identities)
            # The mark first, as every pass does, so that we cannot deadlock with one.
            mark = DomainMark.objects.of(config).select_for_update().filter(domain=entry.domain).first()
            if mark is not None and mark.owed and entry.domain not in domains:
                continue  # a pass is on its way and knows better
            # Only if no call has been made or answered since we looked.
            if not LedgerEntry.objects.filter(pk=entry.pk, changed_at=entry.changed_at, unanswered=None).update(
                known=Known.UNKNOWN, exists=exists
            ):
                continue
            # What others have taken out is not received any more.
            seen = rules[entry.name].recipients if entry.kind == Kind.RULE and exists else frozenset()
            entry.recipients.exclude(recipient__in=seen).delete()
            if not exists:
                IdentityFacts.objects.filter(entry=entry).delete()
            marks.bump(config, entry.domain)
            domains.add(entry.domain)
    return sorted(domains)
