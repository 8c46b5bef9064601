"""What the deletion plans of domains and addresses say: about SES, endpoints, DNS and access, and the text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from backoffice.text import UNCERTAIN, listed, moment, plural, shortened
from domains.dependents import Dependent, EndpointUse
from domains.dns.leftovers import RecordLookup, State
from rest.deletion.plan import Doubt, Part, Plan
from ses_integration.api import Preview

SHOWN_CALLS = 20
STAYS = "Not deleted"
OTHERS = "It contains, or may still receive, recipients that are no longer addresses of the domain; they are removed as well."


@dataclass(frozen=True, slots=True)
class Access:
    """An account with which the domain is shared, by name."""

    user: str
    role: str

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


def as_text(subject: str, plan: Plan[Any, Any]) -> str:
    """A plan for a terminal. `subject` is what would be deleted."""
    blocks = [f"Plan for deleting {subject}. Nothing has been changed."]
    for part in plan.parts():
        if part.lines:
            title = [f"{part.title}:"] if part.title else []
            blocks.append("\n".join([*title, *(f"- {line}" for line in part.lines)]))
    return "\n\n".join(blocks if plan.certain else [*blocks, UNCERTAIN])


def grace_period(days: int) -> Part:
    """How long the domain can be restored; nothing if it cannot. As of now, because the deletion sets the time."""
    if not days:
        return Part("", [])
    until = timezone.now() + timedelta(days=days)
    line = (
        f"SES stops receiving for it at once. For {plural(days, 'day')}, until {moment(until)}, it can be restored as it is "
        "now. After that, everything else that is named here is deleted."
    )
    return Part("Grace period", [line], {"graceDays": days, "restorableUntil": until})


def ses(plan: Plan[Any, Any], lines: Iterable[str], **members: Any) -> Part:
    """The part about SES: its receipt rules, and whatever else the plan says about SES.

    `lines` are all its sentences, those about the rules included. `members` are added to the JSON members of the rules.
    """
    preview: Preview = plan.database.ses
    rules = [
        {
            "name": rule.name,
            "before": rule.before,
            "after": rule.after,
            "isConfirmed": rule.confirmed,
            "inDoubt": rule.may_add,
            "hasOthers": rule.others,
        }
        for rule in preview.rules
    ]
    title = f"SES, as of {moment(plan.confirmed_at)}" if plan.confirmed_at else "SES"
    return Part(title, [*lines], {"receiptRules": rules, "sesProblems": preview.problems, **members})


UNCONFIRMED = "SES: what it holds is not confirmed. The plan shows what is known."


def ses_doubts(preview: Preview, problem: str) -> list[Doubt]:
    """What is not certain about SES. `problem` as in `calls`."""
    unclear = [] if preview.certain else [" ".join(["SES:", *preview.problems]) if preview.problems else UNCONFIRMED]
    return [Doubt(text) for text in [*unclear, *([f"SES cannot be called now: {problem}"] if problem else [])]]


def rule_lines(preview: Preview) -> Iterator[str]:
    """A sentence for each receipt rule of the plan: how its recipients change, and what of that is unconfirmed."""
    if not preview.rules:
        yield "No SES receipt rule is known for it."
    for rule in preview.rules:
        line = f"Receipt rule {rule.name} {_becomes(rule.before, rule.after, others=rule.others)}"
        if rule.may_add:
            line += f" An unanswered call may still add {listed(rule.may_add)}."
        elif not rule.confirmed:
            line += " What SES holds now is unconfirmed."
        yield f"{line} {OTHERS}" if rule.others else line


def _becomes(before: Sequence[str] | None, after: Sequence[str] | None, *, others: bool) -> str:
    if after is None:
        return f"is deleted: {listed(before)}." if before else "is deleted."
    if before is None:
        return f"is created: {listed(after)}."
    lost, new = sorted(set(before) - set(after)), sorted(set(after) - set(before))
    if not lost and not new:
        return f"{'keeps' if others else 'does not change:'} {listed(after)}."
    changes = [f"{verb} {listed(names)}" for verb, names in (("loses", lost), ("gets", new)) if names]
    return f"{' and '.join(changes)}, and then has {plural(len(after), 'recipient')}."


def calls(preview: Preview, problem: str) -> Part:
    """The calls to SES and how long they take at the rate limit. `problem` says why they cannot be made now; empty if they can."""
    lines = shortened([str(call) for call in preview.calls], SHOWN_CALLS) or ["None is needed."]
    if preview.seconds:
        lines.append(f"At the rate limit this takes about {preview.seconds:g} s, if nothing else is sent.")
    if preview.waiting:
        lines.append(f"These wait until an earlier unanswered call has settled: {', '.join(preview.waiting)}.")
    if problem:
        lines.append(f"SES cannot be called now: {problem} Pending work is kept.")
    members = {
        "calls": [asdict(call) for call in preview.calls],
        "count": len(preview.due),
        "seconds": preview.seconds,
        "waiting": preview.waiting,
        "problem": problem or None,
    }
    return Part("Calls to SES", lines, {"sesCalls": members})


def endpoint_members(use: EndpointUse | Dependent, **more: Any) -> dict[str, Any]:
    """An endpoint that stays, with the addresses about to be deleted that its configuration still names."""
    names = {"forwardsTo": use.names.forwards_to, "sendsFrom": use.names.sends_from or None}
    return {"id": use.id, "name": use.name, "type": use.type, **more, **names}


def endpoint_line(use: EndpointUse | Dependent, *phrases: str) -> str:
    forwards = [f"it still forwards to {listed(use.names.forwards_to)}"] if use.names.forwards_to else []
    sends = [f"it still sends from {use.names.sends_from}"] if use.names.sends_from else []
    return f"Endpoint {use.name}: {'; '.join([*phrases, *forwards, *sends])}."


def accesses(found: Sequence[Access]) -> Part:
    """Who loses access. Without shares the plan has nothing of it."""
    if not found:
        return Part("", [])
    lines = [f"{listed([*map(str, found)])} can no longer see the domain, and can read the report of its deletion."]
    return Part("Shared with", lines, {"losesAccess": [asdict(each) for each in found]})


def dns_doubts(records: Sequence[RecordLookup]) -> Iterator[Doubt]:
    unknown = [record for record in records if record.why]
    if unknown:
        why = " ".join(dict.fromkeys(record.why for record in unknown))
        yield Doubt(f"DNS: {plural(len(unknown), 'record')} could not be looked up. {why}", severe=False)


def dns_lines(records: Sequence[RecordLookup]) -> Iterator[str]:
    for record in records:
        name = f"{record.type} {record.name} ({record.purpose})"
        if record.state is State.PUBLISHED:
            yield " ".join(filter(None, [f"{name} is published: {'; '.join(record.found)}.", record.hint]))
        elif record.state is State.UNKNOWN:
            yield f"{name} could not be looked up: {record.why}"
    if gone := sum(record.state is State.GONE for record in records):
        yield "The other records are gone." if gone < len(records) else "None is published."
