"""What the deletion plans of domains and addresses share: the SES part, and the layout of JSON, sections and text.

A part states each fact once, as JSON members and as sentences, side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from backoffice.text import UNCERTAIN, Section, as_plain_text, listed, moment, plural, sections, shortened
from domains.dependents import NamedAddresses
from rest.fields import timestamp
from ses_integration.api import Forecast

SHOWN_CALLS = 20
OTHERS = "It contains, or may still receive, recipients that are no longer addresses of the domain; they are removed as well."


@dataclass(frozen=True, slots=True)
class Part:
    """One subject of a plan: title and sentences for people, and its members of the JSON object."""

    title: str
    lines: Iterable[str]
    members: dict[str, Any] = field(default_factory=dict)


def as_sections(parts: Iterable[Part]) -> list[Section]:
    return sections(*((part.title, part.lines) for part in parts))


def as_text(subject: str, parts: Sequence[Section], *, certain: bool) -> str:
    """A plan for a terminal; `subject` is what would be deleted."""
    end = "" if certain else f"\n\n{UNCERTAIN}"
    return f"Plan for deleting {subject}. Nothing has been changed.\n\n{as_plain_text(parts)}{end}"


def ses_title(confirmed_at: datetime | None) -> str:
    return f"SES, as of {moment(confirmed_at)}" if confirmed_at else "SES"


def rules_as_json(ses: Forecast) -> list[dict[str, Any]]:
    return [
        {
            "name": rule.name,
            "before": None if rule.before is None else list(rule.before),
            "after": None if rule.after is None else list(rule.after),
            "isConfirmed": rule.confirmed,
            "inDoubt": list(rule.may_add),
            "hasOthers": rule.others,
        }
        for rule in ses.rules
    ]


def rules_as_lines(ses: Forecast) -> Iterator[str]:
    if not ses.rules:
        yield "No SES receipt rule is known for it."
    for rule in ses.rules:
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
    changes = [*([f"loses {listed(lost)}"] if lost else []), *([f"gets {listed(new)}"] if new else [])]
    return f"{' and '.join(changes)}, and then has {plural(len(after), 'recipient')}."


def calls(ses: Forecast, problem: str, confirmed_at: datetime | None) -> Part:
    """The calls to SES and how long they take at the rate limit. `problem` says why they cannot be made now; empty if they can."""
    members = {
        "sesCalls": {
            "calls": [asdict(call) for call in ses.calls],
            "count": len(ses.due),
            "seconds": ses.seconds,
            "waiting": list(ses.waiting),
            "problem": problem or None,
        },
        "sesConfirmedAt": timestamp(confirmed_at) if confirmed_at else None,
        "sesProblems": list(ses.problems),
    }
    lines = shortened([str(call) for call in ses.calls], SHOWN_CALLS)
    if ses.seconds:
        lines.append(f"At the rate limit this takes about {ses.seconds:g} s, if nothing else is sent.")
    if ses.waiting:
        lines.append(f"These wait until an earlier unanswered call has settled: {', '.join(ses.waiting)}.")
    if problem:
        lines.append(f"SES cannot be called now: {problem} Pending work is kept.")
    return Part("Calls to SES", [*([] if ses.calls else ["None is needed."]), *lines], members)


def names_as_json(names: NamedAddresses) -> dict[str, Any]:
    """The addresses about to be deleted that an endpoint's configuration still names."""
    return {"forwardsTo": list(names.forwards_to), "sendsFrom": names.sends_from or None}


def names_as_phrases(names: NamedAddresses) -> Iterator[str]:
    if names.forwards_to:
        yield f"it still forwards to {listed(names.forwards_to)}"
    if names.sends_from:
        yield f"it still sends from {names.sends_from}"
