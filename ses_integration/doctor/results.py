"""Results of checks, and which dependency of a check is not met. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """`warning`: also if nothing could be proven. `skipped`: prevented by an earlier failure or an option."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of the report. `seen`: what was found. `do`: what to do, empty if all is well."""

    check: str
    outcome: Outcome
    seen: str
    do: str = ""


def ok(check: str, seen: str) -> CheckResult:
    return CheckResult(check, Outcome.OK, seen)


def warning(check: str, seen: str, do: str) -> CheckResult:
    return CheckResult(check, Outcome.WARNING, seen, do)


def failed(check: str, seen: str, do: str) -> CheckResult:
    return CheckResult(check, Outcome.FAILED, seen, do)


def skipped(check: str, seen: str, do: str) -> CheckResult:
    return CheckResult(check, Outcome.SKIPPED, seen, do)


def first_unmet(results: Iterable[CheckResult], required: Iterable[str], proven: Iterable[str] = ()) -> str:
    """The first dependency that is not met, or an empty string.

    A check in `required` may have warned. A check in `proven` must have been ok. If a check has several results, the
    worst one counts.
    """
    outcomes: dict[str, set[Outcome]] = {}
    for result in results:
        outcomes.setdefault(result.check, set()).add(result.outcome)
    unmet = [check for check in required if outcomes[check] & {Outcome.FAILED, Outcome.SKIPPED}]
    unmet += [check for check in proven if outcomes[check] != {Outcome.OK}]
    return next(iter(unmet), "")


def count_outcomes(results: Iterable[CheckResult]) -> dict[str, int]:
    """Number of results by outcome, zeros included."""
    outcomes = [result.outcome for result in results]
    return {outcome.value: outcomes.count(outcome) for outcome in Outcome}
