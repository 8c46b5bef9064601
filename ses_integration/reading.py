"""Both sides of every comparison: what the rows want and what the ledger knows, as the plain values that a plan takes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from django.conf import settings
from django.utils.module_loading import import_string

from ses_integration import capacity
from ses_integration.compiling import Wanted, compile_domain
from ses_integration.config import SesConfig
from ses_integration.models import IdentityFacts, LedgerEntry
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
    """The ledger as plain values, by domain name; four statements."""
    rows = LedgerEntry.objects.of(config)
    if domains is not None:
        rows = rows.filter(domain__in=domains)
    found: dict[str, list[Entry]] = {}
    for row in rows.select_related("identity").prefetch_related("recipients", "unanswered").order_by("name"):
        found.setdefault(row.domain, []).append(_entry(row, now))
    return found


def _entry(row: LedgerEntry, now: datetime) -> Entry:
    facts = row.identity if hasattr(row, "identity") else IdentityFacts()
    return Entry(
        kind=Kind(row.kind),
        name=row.name,
        known=Known(row.known),
        exists=row.exists,
        recipients=frozenset(recipient.recipient for recipient in row.recipients.all()),
        digest=row.digest,
        ours=facts.ours,
        has_verification_token=bool(facts.verification_token),
        has_mail_from=bool(facts.mail_from_domain),
        doubts=tuple(
            Doubt(Operation(doubt.operation), due=doubt.until <= now, recipients=frozenset(doubt.recipients))
            for doubt in row.unanswered.all()
        ),
    )
