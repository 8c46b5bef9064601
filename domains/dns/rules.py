"""The rules for one answer of DNS: whether what is published does the job of a record. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address

from domains.dns.records import Record, RecordKind
from domains.dns.resolver import Answer
from domains.dns.values import SES, InvalidSpf, has_policy, host, is_dmarc, is_spf, passes, preference
from rest.names.canonical import DOMAIN_LIMIT

# The label in which the hosts of another region differ from ours.
REGION = re.compile(r"(?<=-smtp\.)[a-z0-9-]+(?=\.amazon(?:aws|ses)\.com)")
# Copied with a value, and published as a part of it.
AROUND = " \"'\u201c\u201d"


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


def judge(record: Record, answer: Answer) -> CheckedRecord:
    """The verdict on a record after one answer."""
    if answer.why:
        return CheckedRecord(record, State.UNKNOWN, why=answer.why)
    return _RULES[record.kind](record, answer)


def _ownership(record: Record, answer: Answer) -> CheckedRecord:
    if record.value in answer.values or record.value in answer.parts:
        return _verified(record, [record.value])
    if not answer.values:
        return _missing(record)
    if any(value.strip(AROUND) == record.value for value in answer.values):
        return _wrong(record, answer.values, f"Publish the value at {record.name} without quotation marks or blanks.")
    return _wrong(
        record, answer.values, f"The TXT record at {record.name} has another value: add one with the value shown."
    )


def _inbound(record: Record, answer: Answer) -> CheckedRecord:
    if not answer.values:
        return _missing(record)
    own = [preference(value) for value in answer.values if _same_host(record, value)]
    others = _in_order(value for value in answer.values if not _same_host(record, value))
    if not own or not all(map(host, others)):
        return _wrong(record, answer.values, _other_host(record, others))
    # A backup, which gets mail only while ours cannot be reached, is no mistake.
    if not others or preference(others[0]) > min(own):
        return _verified(record, answer.values)
    first = preference(others[0])
    if first < min(own):
        takes = f"takes the mail, because its preference {first} comes before {min(own)}"
    else:
        takes = f"takes a part of the mail, because its preference is {first} as well"
    why = f"{host(others[0])} {takes}: remove its MX record, or give it a higher number."
    return _wrong(record, answer.values, why)


def _mail_from_mx(record: Record, answer: Answer) -> CheckedRecord:
    if not answer.values:
        return _missing(record)
    if not any(_same_host(record, value) for value in answer.values):
        return _wrong(record, answer.values, _other_host(record, _in_order(answer.values)))
    if len(answer.values) > 1:
        why = f"{record.name} has {len(answer.values)} MX records, but SES requires exactly one: remove the others."
        return _wrong(record, answer.values, why)
    return _verified(record, answer.values)


def _dkim(record: Record, answer: Answer) -> CheckedRecord:
    if not answer.values:
        return _missing(record)
    if any(_same_host(record, value) for value in answer.values):
        return _verified(record, answer.values)
    return _wrong(record, answer.values, _other_host(record, answer.values))


def _spf(record: Record, answer: Answer) -> CheckedRecord:
    found = [value for value in answer.values if is_spf(value)]
    if len(found) > 1:
        why = f"{record.name} has {len(found)} SPF records, so receivers use none of them: merge them into one."
        return _wrong(record, found, why)
    if not found:
        return _looks_like(record, answer, "v=spf1", "SPF")
    try:
        if SES in passes(found[0]):
            return _verified(record, found)
    except InvalidSpf as error:
        why = f"Receivers cannot read the term {str(error)!r} of the SPF record at {record.name}: correct it."
        return _wrong(record, found, why)
    return _wrong(
        record, found, f"The SPF record at {record.name} does not let SES send: add include:{SES} before its last term."
    )


def _dmarc(record: Record, answer: Answer) -> CheckedRecord:
    found = [value for value in answer.values if is_dmarc(value)]
    if len(found) > 1:
        why = f"{record.name} has {len(found)} DMARC records, so receivers use none of them: keep one."
        return _wrong(record, found, why)
    if not found:
        return _looks_like(record, answer, "v=dmarc1", "DMARC")
    if has_policy(found[0]):
        return _verified(record, found)
    why = f"The DMARC record at {record.name} has no valid policy: add p=none, p=quarantine or p=reject."
    return _wrong(record, found, why)


_RULES: dict[RecordKind, Callable[[Record, Answer], CheckedRecord]] = {
    RecordKind.OWNERSHIP: _ownership,
    RecordKind.INBOUND: _inbound,
    RecordKind.SPF: _spf,
    RecordKind.DMARC: _dmarc,
    RecordKind.MAIL_FROM_MX: _mail_from_mx,
    RecordKind.MAIL_FROM_SPF: _spf,
    RecordKind.DKIM: _dkim,
}


def _verified(record: Record, found: Sequence[str]) -> CheckedRecord:
    return CheckedRecord(record, State.VERIFIED, tuple(found))


def _wrong(record: Record, found: Sequence[str], why: str) -> CheckedRecord:
    return CheckedRecord(record, State.WRONG, tuple(found), why)


def _missing(record: Record, what: str = "") -> CheckedRecord:
    if len(record.name) > DOMAIN_LIMIT:
        why = f"{record.name} has more than the {DOMAIN_LIMIT} characters that DNS allows, so it cannot be published."
    else:
        why = f"No {what or record.type} record was found at {record.name}: publish it."
    return CheckedRecord(record, State.MISSING, why=why)


def _looks_like(record: Record, answer: Answer, version: str, what: str) -> CheckedRecord:
    """The verdict if there is no such record: missing, or a text that only people take for one, such as one in quotes."""
    alike = [value for value in answer.values if version in value.lower()]
    if not alike:
        return _missing(record, what)
    why = f"Receivers do not take the text at {record.name} for {what}: publish it exactly as shown."
    return _wrong(record, alike, why)


def _in_order(values: Iterable[str]) -> list[str]:
    """MX values by preference and host, so that a sentence does not change with the order of the answer."""
    return sorted(values, key=lambda value: (preference(value), host(value)))


def _same_host(record: Record, value: str) -> bool:
    return host(value) == host(record.value)


def _other_host(record: Record, others: Sequence[str]) -> str:
    """Why a host that is not ours does not do the job. Names the first host, or a null MX if there is one."""
    ours, other = host(record.value), min(map(host, others), key=bool)
    if not other:
        return f"{record.name} has a null MX, which says that it receives no mail: replace it with {ours}."
    if other.startswith(f"{ours}."):
        return f"Your DNS provider has added its zone to {ours}: enter the host with a dot at its end."
    if (region := REGION.search(other)) and REGION.sub("", other) == REGION.sub("", ours):
        return f"The MX record at {record.name} is for the region {region[0]}: replace it with {ours}."
    if _is_address(other):
        return f"The MX record at {record.name} has the address {other} instead of a name: replace it with {ours}."
    return f"The {record.type} record at {record.name} points to {other}: replace it with {ours}."


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
