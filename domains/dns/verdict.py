"""Whether the published records do their job: the one rule for every place that shows it.

docs/architecture/dns.md says what counts, record by record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import replace

from domains.dns import resolver
from domains.dns.records import Record, RecordKind
from domains.dns.resolver import Answer, Ask, LookupFailed, Question
from domains.dns.rules import CheckedRecord, State, judge
from domains.dns.values import SES, InvalidSpf, dkim_key, host, is_dmarc, is_spf, passes, question, zones_above
from domains.names import registrable

__all__ = ["CheckedRecord", "State", "check", "judge", "requirements_met", "unmet"]

# RFC 7208, 4.6.4: receivers follow no more.
MOST_INCLUDES = 10


def check(records: Collection[Record], *, seconds: float | None = None) -> dict[Record, CheckedRecord]:
    """Look up and judge all records at once. Equal questions are asked once. Never raises.

    Ends within `seconds`, by default DNS_TIMEOUT_SECONDS. What DNS has not answered by then is UNKNOWN.
    """

    async def all_checked(ask: Ask) -> dict[Record, CheckedRecord]:
        checked = await asyncio.gather(*(_check(record, ask) for record in records))
        return {one.record: one for one in checked}

    try:
        return resolver.run(all_checked, seconds=seconds)
    except LookupFailed as error:
        return {record: CheckedRecord(record, State.UNKNOWN, why=str(error)) for record in records}


def requirements_met(checked: Iterable[CheckedRecord]) -> bool:
    """Whether mail can be received: the inbound MX is verified, and so is the ownership record or every DKIM record."""
    states: dict[RecordKind, set[State]] = {kind: set() for kind in RecordKind}
    for one in checked:
        states[one.record.kind].add(one.state)
    verified = {kind for kind, found in states.items() if found == {State.VERIFIED}}
    return RecordKind.INBOUND in verified and not verified.isdisjoint({RecordKind.OWNERSHIP, RecordKind.DKIM})


def unmet(checked: Sequence[CheckedRecord], *, own_key: bool = False) -> list[CheckedRecord]:
    """The verdicts on required records that are not published. Without them, a domain is not set up completely.

    The ownership record is left out if all DKIM records are published, or SES uses the owner's `own_key`: SES needs only one.
    """
    dkim = [one for one in checked if one.record.kind is RecordKind.DKIM]
    owned_by_dkim = own_key or (bool(dkim) and all(one.state is State.VERIFIED for one in dkim))
    return [
        one
        for one in checked
        if one.record.is_required
        and one.state is not State.VERIFIED
        and not (owned_by_dkim and one.record.kind is RecordKind.OWNERSHIP)
    ]


async def _check(record: Record, ask: Ask) -> CheckedRecord:
    first = judge(record, await ask(question(record)))
    second_look = _SECOND_LOOKS.get((record.kind, first.state))
    return await second_look(first, ask) if second_look else first


async def _added_zone(first: CheckedRecord, ask: Ask) -> CheckedRecord:
    """Many DNS providers add the zone to a name that has it already."""
    record = first.record
    # Labels with an underscore begin no zone.
    zones = [zone for zone in zones_above(record.name) if "_" not in zone]
    misplaced = [replace(record, name=f"{record.name}.{zone}") for zone in zones]
    answers = await asyncio.gather(*(ask(question(one)) for one in misplaced))
    for zone, one, answer in zip(zones, misplaced, answers, strict=True):
        if judge(one, answer).state is State.VERIFIED:
            name = record.name.removesuffix(zone).rstrip(".") or "@"
            why = f"The record is at {one.name}, because your DNS provider adds {zone}: enter {name} as its name."
            return replace(first, found=answer.values, why=why)
    return first


async def _key_in_txt(first: CheckedRecord, ask: Ask) -> CheckedRecord:
    """Without our CNAME: some DNS providers publish the TXT record of its target instead."""
    record = first.record
    published = await ask(Question(record.name, "TXT"))
    if first.state is State.MISSING and published.why:
        return CheckedRecord(record, State.UNKNOWN, why=published.why)
    keys = {key for value in published.values if (key := dkim_key(value))}
    if not keys:
        return await _added_zone(first, ask) if first.state is State.MISSING else first
    ours = await ask(Question(host(record.value), "TXT"))
    if ours.why:
        return CheckedRecord(record, State.UNKNOWN, published.values, ours.why)
    if not keys.isdisjoint(map(dkim_key, ours.values)):
        return CheckedRecord(record, State.VERIFIED, published.values)
    if first.state is State.WRONG:
        return first
    why = f"{record.name} has a TXT record with another key: replace it with the CNAME record."
    return CheckedRecord(record, State.WRONG, published.values, why)


async def _aliases_of_ours(first: CheckedRecord, ask: Ask) -> CheckedRecord:
    """An MX host that is an alias of ours leads mail to us, although RFC 2181 forbids it."""
    ours = host(first.record.value)
    others = sorted({host(value) for value in first.found} - {ours, ""})
    answers = await asyncio.gather(*(ask(Question(name, "CNAME", until=ours)) for name in others))
    aliases = {name for name, answer in zip(others, answers, strict=True) if ours in map(host, answer.values)}
    if not aliases:
        return first
    values = [value.split()[0] + f" {ours}" if host(value) in aliases else value for value in first.found]
    return replace(judge(first.record, Answer(tuple(values))), found=first.found)


async def _policy_of_parent(first: CheckedRecord, ask: Ask) -> CheckedRecord:
    """The DMARC record of the registered domain covers its sub-domains without one (RFC 7489, 6.6.3)."""
    record = first.record
    parent = replace(record, name=f"_dmarc.{registrable(record.name.removeprefix('_dmarc.'))}")
    if parent.name == record.name or any(map(is_dmarc, first.found)):
        return first
    covering = judge(parent, await ask(question(parent)))
    return first if covering.state in (State.MISSING, State.WRONG) else replace(covering, record=record)


async def _nested_spf(first: CheckedRecord, ask: Ask) -> CheckedRecord:
    """An SPF record may include SES by another record that it includes."""
    asked: set[str] = set()
    unknown = ""
    level = _included(first.found)
    while level and len(asked) + len(level) <= MOST_INCLUDES:
        asked |= level
        answers = await asyncio.gather(*(ask(Question(name, "TXT")) for name in sorted(level)))
        unknown = unknown or next((answer.why for answer in answers if answer.why), "")
        level = {name for answer in answers for name in _included(answer.values)} - asked
        if SES in level:
            return replace(first, state=State.VERIFIED, why="")
    return CheckedRecord(first.record, State.UNKNOWN, first.found, unknown) if unknown else first


def _included(values: Iterable[str]) -> set[str]:
    """What the only SPF record among the values includes. Macros depend on the mail, so they are left out."""
    records = [value for value in values if is_spf(value)]
    try:
        return {name for name in passes(records[0]) if "%" not in name} if len(records) == 1 else set()
    except InvalidSpf:
        return set()


_SECOND_LOOKS: dict[tuple[RecordKind, State], Callable[[CheckedRecord, Ask], Awaitable[CheckedRecord]]] = {
    (RecordKind.OWNERSHIP, State.MISSING): _added_zone,
    (RecordKind.INBOUND, State.WRONG): _aliases_of_ours,
    (RecordKind.DKIM, State.MISSING): _key_in_txt,
    (RecordKind.DKIM, State.WRONG): _key_in_txt,
    (RecordKind.DMARC, State.MISSING): _policy_of_parent,
    (RecordKind.DMARC, State.WRONG): _policy_of_parent,
    (RecordKind.SPF, State.WRONG): _nested_spf,
    (RecordKind.MAIL_FROM_SPF, State.WRONG): _nested_spf,
}
