"""DNS records that were published for a domain and should be removed when it is deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from domains.dns import resolver
from domains.dns.records import Record, RecordKind
from domains.dns.resolver import Answer
from domains.dns.values import host, question

PURPOSES = {
    RecordKind.OWNERSHIP: "SES verification",
    RecordKind.INBOUND: "mail is sent to SES",
    RecordKind.SPF: "SPF include",
    RecordKind.MAIL_FROM_MX: "MAIL FROM",
    RecordKind.MAIL_FROM_SPF: "MAIL FROM",
    RecordKind.DKIM: "DKIM",
}
SPF_INCLUDE = "include:amazonses.com"
KEEP_THE_REST = f"Take {SPF_INCLUDE} out and keep the rest of the record. Leave it if you still send mail through SES."


class State(StrEnum):
    PUBLISHED = "published"
    GONE = "gone"
    # DNS could not be asked, which never means that the record is gone.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RecordLookup:
    """A record that the owner had to publish, and its state in DNS now."""

    type: str
    name: str
    value: str
    purpose: str
    state: State
    # The published values that match, complete.
    found: tuple[str, ...] = ()
    # Why it is unknown.
    why: str = ""
    # What to do if the record should not simply be removed.
    hint: str = ""


def look_up(records: Sequence[Record]) -> list[RecordLookup]:
    """Look up the records that are useless without the domain, in their order. Leaves out DMARC, the owner's own policy.

    Asks DNS for all of them at once, within DNS_TIMEOUT_SECONDS. Never raises, and does not use the database.
    """
    useless = [record for record in records if record.kind in PURPOSES]
    answers = resolver.ask({question(record) for record in useless})
    return [_lookup(record, answers[question(record)]) for record in useless]


def is_owners_own(name: str) -> bool:
    """Whether the record is the owner's own policy (DMARC), which makes sense without SES."""
    return name.startswith("_dmarc.")


def lookup_as_json(record: RecordLookup) -> dict[str, Any]:
    """The JSON of one record. With `state` `unknown`, `why` says why it could not be looked up."""
    return {
        "type": record.type,
        "name": record.name,
        "value": record.value,
        "purpose": record.purpose,
        "state": record.state.value,
        "found": list(record.found),
        "why": record.why or None,
        "hint": record.hint or None,
    }


def _lookup(record: Record, answer: Answer) -> RecordLookup:
    found = tuple(value for value in answer.values if _is_ours(record, value))
    state = State.UNKNOWN if answer.why else State.PUBLISHED if found else State.GONE
    return RecordLookup(
        record.type,
        record.name,
        record.value,
        PURPOSES[record.kind],
        state,
        found,
        why=answer.why,
        hint=_hint(record, found),
    )


def _is_ours(record: Record, found: str) -> bool:
    if record.type in ("MX", "CNAME"):
        return host(found) == host(record.value)
    if record.kind is RecordKind.OWNERSHIP:
        return found == record.value
    return _includes_ses(found)


def _hint(record: Record, found: tuple[str, ...]) -> str:
    """What to do with an SPF record that does more than include SES: only the include should be removed."""
    if record.kind not in (RecordKind.SPF, RecordKind.MAIL_FROM_SPF):
        return ""
    says_more = any(value != record.value for value in found)
    return KEEP_THE_REST if says_more or (found and record.kind is RecordKind.SPF) else ""


def _includes_ses(text: str) -> bool:
    """Whether an SPF record (RFC 7208) includes SES, whatever else it contains."""
    version, *terms = text.lower().split() or [""]
    return version == "v=spf1" and any(term.lstrip("+-~?").rstrip(".") == SPF_INCLUDE for term in terms)
