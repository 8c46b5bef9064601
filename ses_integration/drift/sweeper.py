"""When a worker process sweeps SES."""

from __future__ import annotations

from ses_integration.drift.sweep import any_in_line, claim_sweep, sweep_ses

# Workers that start together sweep SES so far apart, in seconds.
START_SPACING = 60.0


class SesSweeper:
    """Sweeps SES for one worker process: once an interval for all workers together, and sooner after a start or a failure.

    A worker that has just started sweeps because its database may have been restored, and one whose sweep has failed because
    it is still missing; at most a minute later, so that several of them do not get in each other's way.
    """

    def __init__(self, interval: float) -> None:
        """`interval` is in seconds."""
        self._interval = interval
        self._swept = False
        self._skipped: list[str] = []

    def run(self, *, at_once: bool = False) -> float | None:
        """Sweep if it is this worker's turn or `at_once`, and return None; else return in how many seconds to ask again.

        Raises SesError when SES cannot be asked.
        """
        spacing = self._interval if self._swept else min(START_SPACING, self._interval)
        seconds = claim_sweep(0.0 if at_once else spacing)
        if seconds is None:
            self._sweep()
        return seconds

    def run_again(self) -> None:
        """Sweep again once a domain that the last sweep had to skip, because a pass was under way, is up to date."""
        if any_in_line(self._skipped):
            claim_sweep(0.0)  # so that it counts for the other workers, too
            self._sweep()

    def _sweep(self) -> None:
        self._swept = False
        self._skipped = sweep_ses().skipped
        self._swept = True
