"""Drift as a plan for people, in the manner of `terraform plan`, and as plain values for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from backoffice.text import listed, plural
from ses_integration.drift.model import Drift, DriftKind
from ses_integration.plan.resources import ResourceKind

EQUAL = "SES matches the database."
INTRUDES = "It is not ours and takes mail of ours: its owner must disable it, or remove our domains from it."
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
    problems = [drift for drift in found if drift.is_problem]
    rest = [drift for drift in found if not drift.is_problem] if others else []
    parts = [list(_problems(problems)), list(_not_ours(rest)), [_summary(problems)]]
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def as_values(found: Sequence[Drift]) -> list[dict[str, Any]]:
    """Each drift with all its fields, by the names that are published; `drift` says whether it counts as a problem."""
    return [
        {
            "sort": drift.kind,
            "kind": drift.resource,
            "name": drift.name,
            "domain": drift.domain,
            "why": drift.reason,
            **{key: value for key, value in asdict(drift).items() if key not in ("kind", "resource", "reason")},
            "drift": drift.is_problem,
        }
        for drift in found
    ]


def _problems(problems: Sequence[Drift]) -> Iterator[str]:
    for drift in problems:
        yield f"{_sign(drift)} {_title(drift)}: {_problem(drift)}"
        yield from (f"    + {recipient}" for recipient in drift.added)
        yield from (f"    - {recipient}" for recipient in drift.removed)


def _summary(problems: Sequence[Drift]) -> str:
    counts = Counter(map(_sign, problems))
    return (
        f"Plan: {', '.join(f'{counts[sign]} {text}' for sign, text in SUMMARY.items() if counts[sign])}."
        if counts
        else EQUAL
    )


def _sign(drift: Drift) -> str:
    return "!" if drift.intrudes else SIGNS.get(drift.kind, " ")


def _title(drift: Drift) -> str:
    of = f" of {drift.domain}" if drift.domain and drift.domain != drift.name else ""
    return f"{drift.resource} {drift.name}{of}"


def _problem(drift: Drift) -> str:
    if drift.intrudes:
        return f"{_receives(drift)}. {INTRUDES}"
    if drift.kind in SELF_EXPLANATORY:
        return drift.reason
    separator = {DriftKind.DIFFERENT: ", ", DriftKind.OUT_OF_ORDER: ". "}.get(drift.kind, ": ")
    return separator.join(filter(None, [drift.kind.label, drift.reason]))


def _not_ours(others: Sequence[Drift]) -> Iterator[str]:
    if others:
        yield "Not ours, and left alone:"
    for drift in others:
        if drift.resource == ResourceKind.RULE:
            yield f"{_sign(drift)} {_title(drift)}: {_receives(drift)}"
            yield from (f"    needed: {recipient}" for recipient in drift.to_add)
    if kept := [drift.name for drift in others if drift.kind is DriftKind.KEPT]:
        yield f"  {_identities(kept)}: in use before, not created by this installation, so never deleted"
    foreign = [drift for drift in others if drift.kind is DriftKind.FOREIGN and drift.resource == ResourceKind.IDENTITY]
    if foreign:
        yield f"  {_identities([drift.name for drift in foreign])}"


def _receives(drift: Drift) -> str:
    """The recipients of a rule that is not ours, and what is known of it."""
    who = (
        f"RECEIVES {EVERYTHING.upper()}, ours included"
        if drift.takes_everything
        else listed(drift.recipients) or EVERYTHING
    )
    reason = f"of the reference service; {drift.reason}" if drift.kind is DriftKind.REFERENCE else drift.reason
    return f"{who} ({reason})" if reason else who


def _identities(names: Sequence[str]) -> str:
    return f"{'identity' if len(names) == 1 else plural(len(names), 'identity')}: {listed(names)}"
