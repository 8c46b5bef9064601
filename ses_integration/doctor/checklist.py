"""The results of one run. A check whose dependencies are not met is skipped."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ses_integration.doctor.results import CheckResult, first_unmet, skipped


class Checklist:
    def __init__(self) -> None:
        self.results: list[CheckResult] = []
        # Skipped check -> the failed check that caused it, directly or through other skipped checks.
        self._causes: dict[str, str] = {}

    def passed(self, *checks: str) -> bool:
        """Whether none of these checks failed or was skipped."""
        return not first_unmet(self.results, checks)

    def check(
        self, check: str, requires: Sequence[str], run: Callable[[], CheckResult], proven: Sequence[str] = ()
    ) -> None:
        """Add the result of `run`, or skip the check and name the cause if a dependency is not met (see `first_unmet`)."""
        if unmet := first_unmet(self.results, requires, proven):
            cause = self._causes[check] = self._causes.get(unmet, unmet)
            self.skip(check, "Not checked.", f"Fix {cause} first.")
        else:
            self.add(run())

    def add(self, *results: CheckResult) -> None:
        self.results += results

    def skip(self, check: str, seen: str, do: str) -> None:
        self.add(skipped(check, seen, do))
