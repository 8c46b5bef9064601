"""What a check comes to. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """`warning` is also what could not be proven; `skipped` what an earlier failure, or the operator, left out."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence on what was seen and, unless all is well, one on what to do."""

    check: str
    outcome: Outcome
    seen: str
    do: str = ""


def ok(check: str, seen: str) -> Finding:
    return Finding(check, Outcome.OK, seen)


def warning(check: str, seen: str, do: str) -> Finding:
    return Finding(check, Outcome.WARNING, seen, do)


def failed(check: str, seen: str, do: str) -> Finding:
    return Finding(check, Outcome.FAILED, seen, do)


def skipped(check: str, seen: str, do: str) -> Finding:
    return Finding(check, Outcome.SKIPPED, seen, do)


def blocked_by(findings: Iterable[Finding], needs: Iterable[str], proven: Iterable[str] = ()) -> str:
    """The first of the needed checks that was not passed, or an empty string. A warning passes, but proves nothing."""
    outcomes: dict[str, set[Outcome]] = {}
    for finding in findings:
        outcomes.setdefault(finding.check, set()).add(finding.outcome)
    closed = [need for need in needs if outcomes[need] & {Outcome.FAILED, Outcome.SKIPPED}]
    closed += [need for need in proven if outcomes[need] != {Outcome.OK}]
    return next(iter(closed), "")


def counted(findings: Iterable[Finding]) -> dict[str, int]:
    """How many of each outcome, those that did not occur included."""
    outcomes = [finding.outcome for finding in findings]
    return {outcome.value: outcomes.count(outcome) for outcome in Outcome}
