"""Drift as a plan for people, in the manner of `terraform plan`, and as plain values for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from backoffice.text import listed, plural
from ses_integration.drift.model import Drift, DriftKind
from ses_integration.plan.resources import ResourceKind

EQUAL = "SES equals the rows."
INTRUDES = "It is not ours and takes mail of ours: whoever made it has to disable it, or to take our domains out."
EVERYTHING = "every address of every domain"
# Kinds of problems by the sign in front of their line, with what the summary counts them as.
SIGNS = {
    DriftKind.MISSING: "+",
    DriftKind.EXTRA: "-",
    DriftKind.DIFFERENT: "~",
    DriftKind.DISABLED: "~",
    DriftKind.OUT_OF_ORDER: "^",
    DriftKind.UNCONFIRMED: "?",
    DriftKind.PENDING: "*",
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
    "*": "pending",
    "!": "for you to do",
}
# Their reason says it all, so the kind is not named before it.
SELF_EXPLANATORY = (
    DriftKind.ELSEWHERE,
    DriftKind.EXTRA,
    DriftKind.UNCONFIRMED,
    DriftKind.NOT_ACTIVE,
    DriftKind.ORPHAN,
)


def report(found: Sequence[Drift], *, others: bool = True) -> str:
    """A line for each problem with the recipients that come and go, then (with `others`) what is not ours, then a summary."""
    problems = [it for it in found if it.is_problem]
    rest = [it for it in found if not it.is_problem] if others else []
    parts = [list(_problems(problems)), list(_not_ours(rest)), [_summary(problems)]]
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def as_values(found: Sequence[Drift]) -> list[dict[str, Any]]:
    """Each drift with all its fields, by the names that are published; `drift` says whether it counts as a problem."""
    return [
        {
            "sort": it.kind,
            "kind": it.resource,
            "name": it.name,
            "domain": it.domain,
            "why": it.reason,
            **{key: value for key, value in asdict(it).items() if key not in ("kind", "resource", "reason")},
            "drift": it.is_problem,
        }
        for it in found
    ]


def _problems(problems: Sequence[Drift]) -> Iterator[str]:
    for it in problems:
        yield f"{_sign(it)} {_title(it)}: {_problem(it)}"
        yield from (f"    + {recipient}" for recipient in it.added)
        yield from (f"    - {recipient}" for recipient in it.removed)


def _summary(problems: Sequence[Drift]) -> str:
    counts = Counter(map(_sign, problems))
    return (
        f"Plan: {', '.join(f'{counts[sign]} {text}' for sign, text in SUMMARY.items() if counts[sign])}."
        if counts
        else EQUAL
    )


def _sign(it: Drift) -> str:
    return "!" if it.intrudes else SIGNS.get(it.kind, " ")


def _title(it: Drift) -> str:
    of = f" of {it.domain}" if it.domain and it.domain != it.name else ""
    return f"{it.resource} {it.name}{of}"


def _problem(it: Drift) -> str:
    if it.intrudes:
        return f"{_receives(it)}. {INTRUDES}"
    if it.kind in SELF_EXPLANATORY:
        return it.reason
    separator = {DriftKind.DIFFERENT: ", ", DriftKind.OUT_OF_ORDER: ". "}.get(it.kind, ": ")
    return separator.join(filter(None, [it.kind.label, it.reason]))


def _not_ours(others: Sequence[Drift]) -> Iterator[str]:
    if others:
        yield "Not ours, and left alone:"
    for it in others:
        if it.resource == ResourceKind.RULE:
            yield f"{_sign(it)} {_title(it)}: {_receives(it)}"
            yield from (f"    needed: {recipient}" for recipient in it.to_add)
    if kept := [it.name for it in others if it.kind is DriftKind.KEPT]:
        yield f"  {_identities(kept)}: in use before, not created by this installation, so never deleted"
    foreign = [it for it in others if it.kind is DriftKind.FOREIGN and it.resource == ResourceKind.IDENTITY]
    if foreign:
        yield f"  {_identities([it.name for it in foreign])}"


def _receives(it: Drift) -> str:
    """The recipients of a rule that is not ours, and what is known of it."""
    who = (
        f"RECEIVES {EVERYTHING.upper()}, ours included" if it.takes_everything else listed(it.recipients) or EVERYTHING
    )
    reason = f"of the reference service; {it.reason}" if it.kind is DriftKind.REFERENCE else it.reason
    return f"{who} ({reason})" if reason else who


def _identities(names: Sequence[str]) -> str:
    return f"{'identity' if len(names) == 1 else plural(len(names), 'identity')}: {listed(names)}"
