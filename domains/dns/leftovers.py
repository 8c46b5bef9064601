"""DNS records that were published for a domain and should be removed when it is deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from domains.dns import resolver
from domains.dns.records import Record
from domains.dns.resolver import Answer, Question

SPF_PURPOSE = "SPF include"
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


@dataclass(frozen=True, slots=True)
class _Leftover:
    record: Record
    purpose: str
    matches: Callable[[str, str], bool]

    @property
    def question(self) -> Question:
        return Question(self.record.name, self.record.type)


def look_up(records: Sequence[Record]) -> list[RecordLookup]:
    """Look up the records that are useless without the domain, in their order. Leaves out DMARC, the owner's own policy.

    Asks DNS for all of them at once, within DNS_TIMEOUT_SECONDS. Never raises, and does not use the database.
    """
    leftovers = _leftovers(records)
    answers = resolver.ask({leftover.question for leftover in leftovers})
    return [_lookup(leftover, answers[leftover.question]) for leftover in leftovers]


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


def _lookup(leftover: _Leftover, answer: Answer) -> RecordLookup:
    record = leftover.record
    found = tuple(value for value in answer.values if leftover.matches(record.value, value))
    state = State.UNKNOWN if answer.why else State.PUBLISHED if found else State.GONE
    return RecordLookup(
        record.type,
        record.name,
        record.value,
        leftover.purpose,
        state,
        found,
        why=answer.why,
        hint=_hint(leftover, found),
    )


def _leftovers(records: Sequence[Record]) -> list[_Leftover]:
    mail_from = {record.name for record in records if record.type == "MX" and "feedback-smtp." in record.value}
    return [leftover for record in records if (leftover := _leftover(record, mail_from))]


def _leftover(record: Record, mail_from: set[str]) -> _Leftover | None:
    if is_owners_own(record.name):
        return None
    if record.type == "MX":
        return _Leftover(record, "MAIL FROM" if record.name in mail_from else "mail is sent to SES", _same_target)
    if record.type == "CNAME":
        return _Leftover(record, "DKIM", _same_target)
    if record.name.startswith("_amazonses."):
        return _Leftover(record, "SES verification", str.__eq__)
    if record.name in mail_from:
        return _Leftover(record, "MAIL FROM", _includes_ses)
    return _Leftover(record, SPF_PURPOSE, _includes_ses)


def _hint(leftover: _Leftover, found: tuple[str, ...]) -> str:
    """What to do with an SPF record that does more than include SES: only the include should be removed."""
    if leftover.matches is not _includes_ses:
        return ""
    says_more = any(value != leftover.record.value for value in found)
    return KEEP_THE_REST if says_more or (found and leftover.purpose == SPF_PURPOSE) else ""


def _same_target(wanted: str, found: str) -> bool:
    """Whether both values have the same host. Ignores preference, case and trailing dot."""
    return _target(wanted) == _target(found)


def _target(value: str) -> str:
    return value.strip().rpartition(" ")[2].rstrip(".").lower()


def _includes_ses(_wanted: str, found: str) -> bool:
    """Whether an SPF record (RFC 7208) includes SES, whatever else it contains."""
    version, *terms = found.lower().split() or [""]
    return version == "v=spf1" and any(term.lstrip("+-~?").rstrip(".") == SPF_INCLUDE for term in terms)
