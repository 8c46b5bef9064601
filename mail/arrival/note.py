"""Note that SES has stored mail: one row for each object and one for each recipient, however often it is told.

See docs/architecture/mail.md, "Arrival".
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from domains.models import DomainDeletion
from domains.models.domain import key_prefix
from mail.arrival import rows
from mail.arrival.rows import MessageKey
from mail.models import ClaimedMessage, Message, ReceivedEmail
from mail.routing.record import route_late
from ses_integration.api import Arrival, storable

logger = logging.getLogger(__name__)

# Why an arrival, or one of its recipients, writes no row.
WRONG_BUCKET, WRONG_KEY = "another bucket", "another key than the domain's"
DELETED, UNKNOWN = "deleted domain", "unknown domain"
FOREIGN, ERASED = "recipient of another domain", "mail that is being erased"


@dataclass
class Noted:
    """What became of a batch.

    `messages`: ids of the new messages. `claimed`: the same, if they were claimed. `duplicates`: arrivals whose message existed.
    `dropped`: reasons with their number. `refused`: positions in the batch of arrivals that must be told again, because the
    configuration does not fit them.
    """

    messages: list[int] = field(default_factory=list)
    claimed: list[ClaimedMessage] = field(default_factory=list)
    duplicates: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    refused: set[int] = field(default_factory=set)


def note(arrivals: Sequence[Arrival], *, source: Message.Source, claim: timedelta | None = None) -> Noted:
    """Write the rows of a batch in one transaction. `claim`: the caller ingests the new messages, and has that long for it.

    A domain whose deletion has begun gets no rows, and a deletion that begins meanwhile waits, so that it sees them all.
    """
    noted = Noted()
    told = [arrival for number, arrival in enumerate(arrivals) if _is_in_our_bucket(number, arrival, noted)]
    if not told:
        return noted
    with transaction.atomic(durable=True):
        domains, now = rows.live_domains(arrival.domain_id for arrival in told)
        wanted = _wanted(told, domains, noted, source)
        if now is not None and wanted:
            _write(wanted, domains, now, noted, source, claim)
    missing = {arrival.domain_id for arrival in told} - set(domains)
    if missing:
        _count_missing(told, missing, noted)
    if noted.dropped:
        logger.info("Dropped: %s", ", ".join(f"{reason}: {number}" for reason, number in noted.dropped.items()))
    return noted


def _is_in_our_bucket(number: int, arrival: Arrival, noted: Noted) -> bool:
    if arrival.bucket == settings.S3_BUCKET_NAME:
        return True
    # Perhaps this process has an old configuration: another one may know the bucket.
    logger.error("A mail was stored in the bucket %s, which is not S3_BUCKET_NAME.", arrival.bucket)
    noted.dropped[WRONG_BUCKET] += 1
    noted.refused.add(number)
    return False


def _wanted(
    told: Iterable[Arrival], domains: dict[str, tuple[str, int]], noted: Noted, source: Message.Source
) -> dict[MessageKey, tuple[Arrival, set[str]]]:
    """The arrivals of live domains with their recipients, in the order in which every process locks them."""
    wanted: dict[MessageKey, tuple[Arrival, set[str]]] = {}
    for arrival in sorted(told, key=lambda it: (it.domain_id, it.ses_id)):
        if arrival.domain_id not in domains:
            continue
        name, _ = domains[arrival.domain_id]
        if not _is_key_of(arrival, name):
            noted.dropped[WRONG_KEY] += 1
            continue
        lower = {storable(recipient).lower()[:320] for recipient in arrival.recipients if recipient}
        recipients = {recipient for recipient in lower if recipient.endswith(f"@{name}")}
        noted.dropped += Counter({FOREIGN: len(lower) - len(recipients)})
        if not recipients and source != Message.Source.SWEEP:
            # If the object exists, the sweep finds it, and looks into the mail.
            continue
        _, known = wanted.setdefault((arrival.domain_id, arrival.ses_id), (arrival, set()))
        known |= recipients
    return wanted


def _is_key_of(arrival: Arrival, name: str) -> bool:
    prefix = key_prefix(name, arrival.domain_id)
    fits = 0 < len(arrival.ses_id) <= 255 and "/" not in arrival.ses_id and "\0" not in arrival.ses_id
    return fits and arrival.key == prefix + arrival.ses_id


def _write(
    wanted: dict[MessageKey, tuple[Arrival, set[str]]],
    domains: dict[str, tuple[str, int]],
    now: datetime,
    noted: Noted,
    source: Message.Source,
    claim: timedelta | None,
) -> None:
    now = now if isinstance(now, datetime) else datetime.fromisoformat(now).replace(tzinfo=UTC)
    fixed = {"noted_at": now, "source": source, "retry_at": now + (claim or timedelta()), "attempts": int(bool(claim))}
    created = rows.insert_messages([{**fixed, **_columns(arrival)} for arrival, _ in wanted.values()])
    noted.messages += created.values()
    if claim:
        noted.claimed += [
            ClaimedMessage(pk, 1, arrival.bucket, arrival.key, arrival.arrived_at)
            for (arrival, _), pk in ((wanted[key], pk) for key, pk in created.items())
        ]
    pks, existing = dict(created), [key for key in wanted if key not in created]
    ingested: list[int] = []
    if existing:
        noted.duplicates += len(existing)
        for key, row in rows.lock_messages(existing).items():
            _, recipients = wanted[key]
            recipients -= row.deleted_for
            if row.state == Message.State.ERASING:
                noted.dropped[ERASED] += 1
            elif recipients:
                pks[key] = row.pk
                ingested += [row.pk] if row.state == Message.State.INGESTED else []
        _name_recipient({pks[key]: wanted[key][1] for key in existing if key in pks})
    received = [
        {
            "message": pks[key],
            "domain": arrival.domain_id,
            "owner": domains[arrival.domain_id][1],
            "recipient": recipient,
            "arrived_at": arrival.arrived_at,
        }
        for key, (arrival, recipients) in wanted.items()
        if key in pks
        for recipient in sorted(recipients or {""})
    ]
    if received:
        rows.insert_received(received)
    if ingested:
        # Whoever reads a mail routes it to the recipients that are known then. These are new.
        route_late(ingested)


def _name_recipient(recipients: dict[int, set[str]]) -> None:
    """Give the name of a recipient to rows of a sweep that did not know any. They keep their id, which clients may know."""
    if not recipients:
        return
    for row in ReceivedEmail.objects.filter(message__in=recipients, recipient=""):
        known = set(ReceivedEmail.objects.filter(message=row.message_id).values_list("recipient", flat=True))
        unknown = sorted(recipients[row.message_id] - known)
        if unknown:
            row.recipient, row.disposition = unknown[0], ReceivedEmail.Disposition.RECEIVED
            row.save(update_fields=["recipient", "disposition"])
        else:
            ReceivedEmail.objects.filter(pk=row.pk).delete_with_deliveries()


def _columns(arrival: Arrival) -> dict[str, Any]:
    verdicts = arrival.verdicts
    name, address = _sender(arrival.sender)
    return {
        "domain": arrival.domain_id,
        "bucket": arrival.bucket,
        "ses_id": arrival.ses_id,
        "key": arrival.key,
        "size": arrival.size,
        "envelope_from": storable(arrival.envelope_from)[:320],
        "spf": storable(verdicts.spf)[:20],
        "dkim": storable(verdicts.dkim)[:20],
        "dmarc": storable(verdicts.dmarc)[:20],
        "dmarc_policy": storable(verdicts.dmarc_policy)[:10],
        "spam": storable(verdicts.spam)[:20],
        "virus": storable(verdicts.virus)[:20],
        "arrived_at": arrival.arrived_at,
        "subject": storable(arrival.subject)[:MOST_OF_A_HEADER],
        "from_address": address[:320],
        "from_name": name[:MOST_OF_A_HEADER],
        "rfc_id": storable(arrival.message_id)[:MOST_OF_A_HEADER],
    }


# SES cuts them at 10 kB all together; a forged message might not.
MOST_OF_A_HEADER = 8192


def _sender(text: str) -> tuple[str, str]:
    """Name and address. `email.utils` takes a list apart, and fails for hostile ones; this is for one sender."""
    text = storable(text)[:MOST_OF_A_HEADER].strip()
    name, bracket, address = text.removesuffix(">").rpartition("<")
    return (name.strip().strip('"'), address.strip()) if bracket else ("", text)


def _count_missing(told: Iterable[Arrival], missing: set[str], noted: Noted) -> None:
    deleted = set(DomainDeletion.objects.filter(domain_id__in=missing).values_list("domain_id", flat=True))
    for arrival in told:
        if arrival.domain_id in missing:
            noted.dropped[DELETED if arrival.domain_id in deleted else UNKNOWN] += 1
