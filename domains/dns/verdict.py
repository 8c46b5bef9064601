"""Whether the published records do their job: the one rule for every place that shows it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address

from domains.dns import resolver
from domains.dns.records import Record, RecordKind
from domains.dns.resolver import Answer
from domains.dns.values import SES, InvalidSpf, has_policy, host, is_dmarc, is_spf, passes, preference, question

# Hosts of other regions differ from ours in this label only.
REGION = re.compile(r"(?<=-smtp\.)[a-z0-9-]+(?=\.amazon(?:aws|ses)\.com)")


class State(StrEnum):
    VERIFIED = "verified"
    MISSING = "missing"
    # Something is published that does not do the job.
    WRONG = "wrong"
    # DNS could not be asked.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CheckedRecord:
    """A record and its state in DNS."""

    record: Record
    state: State
    # The published values that the verdict is about.
    found: tuple[str, ...] = ()
    # A sentence for the owner: what is published instead, and what to do. Empty if the record is verified.
    why: str = ""


def check(records: Collection[Record], *, seconds: float | None = None) -> dict[Record, CheckedRecord]:
    """Look up and judge all records at once, each question only once. Never raises.

    Ends within `seconds`, by default DNS_TIMEOUT_SECONDS. What DNS has not answered by then is UNKNOWN.
    """
    answers = resolver.ask({question(record) for record in records}, seconds=seconds)
    return {record: judge(record, answers[question(record)]) for record in records}


def requirements_met(checked: Iterable[CheckedRecord]) -> bool:
    """Whether mail can be received: the inbound MX is verified, and so is the ownership record or every DKIM record."""
    states: dict[RecordKind, set[State]] = {kind: set() for kind in RecordKind}
    for one in checked:
        states[one.record.kind].add(one.state)
    verified = {kind for kind, found in states.items() if found == {State.VERIFIED}}
    return RecordKind.INBOUND in verified and not verified.isdisjoint({RecordKind.OWNERSHIP, RecordKind.DKIM})


def judge(record: Record, answer: Answer) -> CheckedRecord:
    """The verdict on a record after one answer. Pure."""
    if answer.why:
        return CheckedRecord(record, State.UNKNOWN, why=answer.why)
    state, found, why = _RULES[record.kind](record, answer)
    return CheckedRecord(record, state, tuple(found), why)


Verdict = tuple[State, Collection[str], str]


def _ownership(record: Record, answer: Answer) -> Verdict:
    if record.value in answer.values:
        return State.VERIFIED, [record.value], ""
    if not answer.values:
        return _missing(record, "TXT")
    return (
        State.WRONG,
        answer.values,
        f"The TXT record at {record.name} has another value: add one with the value shown.",
    )


def _inbound(record: Record, answer: Answer) -> Verdict:
    ours = host(record.value)
    if not answer.values:
        return _missing(record, "MX")
    best = min(map(preference, answer.values))
    own = [preference(value) for value in answer.values if host(value) == ours]
    others = [value for value in answer.values if host(value) != ours]
    if not own:
        return State.WRONG, answer.values, _other_host(record, answer.values)
    ahead = sorted((value for value in others if preference(value) <= min(own)), key=preference)
    if not ahead:
        return State.VERIFIED, answer.values, ""
    takes = "all" if best < min(own) else "a part"
    why = (
        f"{host(ahead[0])} takes {takes} of the mail, because its number is not above {min(own)}: remove its MX record."
    )
    return State.WRONG, answer.values, why


def _mail_from_mx(record: Record, answer: Answer) -> Verdict:
    if not answer.values:
        return _missing(record, "MX")
    hosts = Counter(map(host, answer.values))
    if host(record.value) not in hosts:
        return State.WRONG, answer.values, _other_host(record, answer.values)
    if len(answer.values) > 1:
        why = f"{record.name} has {len(answer.values)} MX records, but SES wants exactly one: remove the others."
        return State.WRONG, answer.values, why
    return State.VERIFIED, answer.values, ""


def _dkim(record: Record, answer: Answer) -> Verdict:
    if any(host(value) == host(record.value) for value in answer.values):
        return State.VERIFIED, answer.values, ""
    if not answer.values:
        return _missing(record, "CNAME")
    return State.WRONG, answer.values, _other_host(record, answer.values)


def _spf(record: Record, answer: Answer) -> Verdict:
    found = [value for value in answer.values if is_spf(value)]
    if len(found) > 1:
        why = f"{record.name} has {len(found)} SPF records, so receivers use none of them: merge them into one."
        return State.WRONG, found, why
    if not found:
        return _looks_like(record, answer, "v=spf1", "SPF")
    try:
        included = SES in passes(found[0])
    except InvalidSpf as error:
        why = f"Receivers ignore the SPF record at {record.name} because of the term {str(error)!r}: correct it."
        return State.WRONG, found, why
    if included:
        return State.VERIFIED, found, ""
    return (
        State.WRONG,
        found,
        f"The SPF record at {record.name} does not let SES send: add include:{SES} before its end.",
    )


def _dmarc(record: Record, answer: Answer) -> Verdict:
    found = [value for value in answer.values if is_dmarc(value)]
    if len(found) > 1:
        why = f"{record.name} has {len(found)} DMARC records, so receivers use none of them: keep one."
        return State.WRONG, found, why
    if not found:
        return _looks_like(record, answer, "v=dmarc1", "DMARC")
    if has_policy(found[0]):
        return State.VERIFIED, found, ""
    why = f"The DMARC record at {record.name} has no valid policy: add p=none, p=quarantine or p=reject."
    return State.WRONG, found, why


_RULES = {
    RecordKind.OWNERSHIP: _ownership,
    RecordKind.INBOUND: _inbound,
    RecordKind.SPF: _spf,
    RecordKind.DMARC: _dmarc,
    RecordKind.MAIL_FROM_MX: _mail_from_mx,
    RecordKind.MAIL_FROM_SPF: _spf,
    RecordKind.DKIM: _dkim,
}


def _missing(record: Record, what: str) -> Verdict:
    return State.MISSING, (), f"No {what} record was found at {record.name}: publish it."


def _looks_like(record: Record, answer: Answer, version: str, what: str) -> Verdict:
    """A text that its author takes for such a record, but receivers do not: quotes, blanks, a tab."""
    alike = [value for value in answer.values if version in value.lower()]
    if not alike:
        return _missing(record, what)
    return (
        State.WRONG,
        alike,
        f"Receivers do not take the text at {record.name} for {what}: publish it exactly as shown.",
    )


def _other_host(record: Record, values: Collection[str]) -> str:
    """Why hosts that are not ours do not do the job."""
    ours, first = host(record.value), host(min(values, key=preference) if record.type == "MX" else [*values][-1])
    if not first:
        return f"A null MX at {record.name} says that it takes no mail: replace it with {ours}."
    if first.startswith(f"{ours}."):
        return f"Your DNS provider has appended a name to {ours}: enter it with a dot at the end."
    if (region := REGION.search(first)) and REGION.sub("", first) == REGION.sub("", ours):
        return f"The MX record at {record.name} is for the region {region[0]}: replace it with {ours}."
    if _is_address(first):
        return f"The MX record at {record.name} has the address {first}, but needs a name: replace it with {ours}."
    return f"The {record.type} record at {record.name} points to {first}: replace it with {ours}."


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
