"""Drift as a plan for people, in the manner of `terraform plan`, and as plain values for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from backoffice.text import listed, plural
from ses_integration.drift.model import Drift, DriftKind, Remedy
from ses_integration.plan.resources import ResourceKind
from ses_integration.watch.lines import as_value, line, receives, with_sign

EQUAL = "SES matches the database."


def report(found: Sequence[Drift], *, others: bool = True) -> str:
    """A line for each problem with the recipients that come and go, then (with `others`) what is not ours, then a summary.

    The summary is also the legend of the signs.
    """
    problems = [drift for drift in found if drift.is_problem]
    rest = [drift for drift in found if not drift.is_problem] if others else []
    parts = [list(_problems(problems)), list(_not_ours(rest)), [_summary(problems)]]
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def as_values(found: Sequence[Drift]) -> list[dict[str, Any]]:
    return [as_value(drift) for drift in found]


def _problems(problems: Sequence[Drift]) -> Iterator[str]:
    for drift in problems:
        yield line(drift)
        yield from (f"    + {recipient}" for recipient in drift.added)
        yield from (f"    - {recipient}" for recipient in drift.removed)


def _not_ours(others: Sequence[Drift]) -> Iterator[str]:
    if others:
        yield "Not ours, and left alone:"
    for drift in others:
        if drift.resource == ResourceKind.RULE:
            yield with_sign(drift, receives(drift))
            yield from (f"    needed: {recipient}" for recipient in drift.to_add)
    identities = [drift for drift in others if drift.resource == ResourceKind.IDENTITY]
    in_use = ": in use before, not created by this installation, so never deleted"
    for kind, note in ((DriftKind.KEPT, in_use), (DriftKind.FOREIGN, "")):
        if names := [drift.name for drift in identities if drift.kind is kind]:
            yield f"  {'identity' if len(names) == 1 else plural(len(names), 'identity')}: {listed(names)}{note}"


def _summary(problems: Sequence[Drift]) -> str:
    counts = Counter(drift.remedy for drift in problems)
    parts = [f"{counts[remedy]} {remedy.summary} ({remedy.sign})" for remedy in Remedy if counts[remedy]]
    return f"Plan: {', '.join(parts)}." if parts else EQUAL
