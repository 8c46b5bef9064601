"""What ses_reconcile shows: a plan for people, in the manner of `terraform plan`, and the same as plain values for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from ses_integration.drift.model import Drift, DriftKind

EQUAL = "SES equals the rows."
NAMES_SHOWN = 10
INTRUDES = "It is not ours and takes mail of ours: whoever made it has to disable it, or to take our domains out."
SIGNS = {
    DriftKind.MISSING: "+",
    DriftKind.EXTRA: "-",
    DriftKind.DIFFERENT: "~",
    DriftKind.DISABLED: "~",
    DriftKind.OUT_OF_ORDER: "^",
    DriftKind.UNCONFIRMED: "?",
    DriftKind.OWED: "*",
    DriftKind.ELSEWHERE: "!",
    DriftKind.NOT_ACTIVE: "!",
    DriftKind.ORPHAN: "!",
    DriftKind.REFERENCE: "<",
}
SUMMARY = {
    "+": "to create",
    "~": "to change",
    "-": "to remove",
    "^": "to move",
    "?": "to confirm",
    "*": "owed",
    "!": "for you to do",
}


def report(found: Sequence[Drift], *, others: bool = True) -> str:
    """A line for each thing, the recipients that come and go below it, then what is not ours, then a summary."""
    parts = [list(_drift(found)), list(_not_ours(found)) if others else [], [_summary(found)]]
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def _summary(found: Sequence[Drift]) -> str:
    counts = Counter(_sign(it) for it in found if it.drift)
    if not counts:
        return EQUAL
    return f"Plan: {', '.join(f'{counts[sign]} {text}' for sign, text in SUMMARY.items() if counts[sign])}."


def as_values(found: Sequence[Drift]) -> list[dict[str, Any]]:
    """Each difference with all its fields; `drift` says whether it counts as one."""
    return [{**asdict(it), "drift": it.drift} for it in found]


def _drift(found: Sequence[Drift]) -> Iterator[str]:
    for it in found:
        if it.drift:
            yield f"{_sign(it)} {_thing(it)}: {_what(it)}"
            yield from (f"    + {recipient}" for recipient in it.added)
            yield from (f"    - {recipient}" for recipient in it.removed)


def _sign(it: Drift) -> str:
    return "!" if it.intrudes else SIGNS.get(it.sort, " ")


def _thing(it: Drift) -> str:
    of = f" of {it.domain}" if it.domain and it.domain != it.name else ""
    return f"{it.kind} {it.name}{of}"


def _what(it: Drift) -> str:
    if it.intrudes:
        return f"{_foreign(it)}. {INTRUDES}"
    if it.sort in (DriftKind.ELSEWHERE, DriftKind.EXTRA, DriftKind.UNCONFIRMED, DriftKind.NOT_ACTIVE, DriftKind.ORPHAN):
        return it.why
    between = {DriftKind.DIFFERENT: ", ", DriftKind.OUT_OF_ORDER: ". "}.get(it.sort, ": ")
    return f"{it.sort.value}{between}{it.why}" if it.why else it.sort.value


def _not_ours(found: Sequence[Drift]) -> Iterator[str]:
    others = [it for it in found if not it.drift]
    if others:
        yield "Not ours, and left alone:"
    for it in others:
        if it.kind == "rule":
            yield f"{_sign(it)} {_thing(it)}: {_foreign(it)}"
            yield from (f"    needed: {recipient}" for recipient in it.to_add)
    kept = [it.name for it in others if it.sort is DriftKind.KEPT]
    if kept:
        yield f"  {_names(kept)}: in use before, not created by this installation, so never deleted"
    if identities := [it.name for it in others if it.sort is DriftKind.FOREIGN and it.kind == "identity"]:
        yield f"  {_names(identities)}"


def _foreign(it: Drift) -> str:
    if it.takes_everything:
        who = "RECEIVES EVERY ADDRESS OF EVERY DOMAIN, ours included"
    else:
        who = _some(it.recipients) or "every address of every domain"
    why = f"of the reference service; {it.why}" if it.sort is DriftKind.REFERENCE else it.why
    return f"{who} ({why})" if why else who


def _names(names: Sequence[str]) -> str:
    return f"{'identity' if len(names) == 1 else f'{len(names)} identities'}: {_some(names)}"


def _some(names: Sequence[str]) -> str:
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
