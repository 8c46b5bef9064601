"""Both sides of every comparison: what the rows want and what the ledger knows, as the plain values that a plan takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime

from django.conf import settings
from django.db.models import Q
from django.utils.module_loading import import_string

from ses_integration import capacity
from ses_integration.compiling import Wanted, compile_domain
from ses_integration.config import SesConfig
from ses_integration.models import LedgerEntry, LedgerRecipient, UnansweredCall
from ses_integration.planning import Doubt, Entry, Kind, Known, Operation
from ses_integration.receiving import DomainReceiving


def wanted_of(config: SesConfig, domains: Iterable[str] | None) -> dict[str, Wanted]:
    """What SES should hold, from the rows as this transaction sees them, for `domains` or for all that are live."""
    provider = import_string(settings.SES_RECEIVING_PROVIDER)
    names = None if domains is None else list(domains)
    layout = capacity.layout(config)
    found: dict[str, DomainReceiving] = {receiving.name: receiving for receiving in provider(names)}
    return {name: compile_domain(found.get(name), layout) for name in (found if names is None else names)}


def entries_of(config: SesConfig, domains: Collection[str] | None, now: datetime) -> dict[str, list[Entry]]:
    """The ledger as plain values, by domain name; three statements.

    An identity is the region's: one that only the ledger of another rule set has is there, and this one is to read it.
    Columns, and no model instances: a sweep reads all of a large ledger, and instances would be most of what it costs.
    """
    of_another_set = Q(kind=Kind.IDENTITY) & ~Q(known=Known.ABSENT)
    rows = LedgerEntry.objects.filter(Q(rule_set=config.rule_set) | of_another_set, region=config.region)
    recipients, doubts = LedgerRecipient.objects.of(config), UnansweredCall.objects.of(config)
    if domains is not None:
        rows = rows.filter(domain__in=domains)
        recipients, doubts = recipients.filter(entry__domain__in=domains), doubts.filter(entry__domain__in=domains)
    columns = rows.order_by("name").values_list(
        "pk",
        "rule_set",
        "domain",
        "kind",
        "name",
        "known",
        "exists",
        "digest",
        "identity__ours",
        "identity__verification_token",
        "identity__mail_from_domain",
    )
    if not (entries := list(columns)):
        return {}
    held: dict[int, list[str]] = defaultdict(list)
    for pk, recipient in recipients.values_list("entry_id", "recipient"):
        held[pk].append(recipient)
    open_calls: dict[int, list[Doubt]] = defaultdict(list)
    for pk, operation, until, sent in doubts.values_list("entry_id", "operation", "until", "recipients"):
        open_calls[pk].append(Doubt(Operation(operation), due=until <= now, recipients=frozenset(sent)))
    found: dict[str, list[Entry]] = defaultdict(list)
    known_today = {
        name for _, rule_set, _, kind, name, *_ in entries if (rule_set, kind) == (config.rule_set, Kind.IDENTITY)
    }
    for pk, rule_set, domain, kind, name, known, exists, digest, ours, token, mail_from in entries:
        if rule_set != config.rule_set:
            if name not in known_today:
                known_today.add(name)
                found[domain].append(Entry(Kind.IDENTITY, name, Known.UNKNOWN, exists=True))
            continue
        found[domain].append(
            Entry(
                kind=Kind(kind),
                name=name,
                known=Known(known),
                exists=exists,
                recipients=frozenset(held.get(pk, ())),
                digest=digest,
                ours=ours,
                has_verification_token=bool(token),
                has_mail_from=bool(mail_from),
                doubts=tuple(open_calls.get(pk, ())),
            )
        )
    return dict(found)
