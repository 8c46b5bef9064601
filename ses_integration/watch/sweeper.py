"""When a worker sweeps SES, and looks at it between two sweeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ses_integration.aws.observe import observe_all_rules
from ses_integration.conf import SesConfig, ses_config
from ses_integration.drift.compare import compare_with, recorded_names
from ses_integration.drift.foreign import tags_to_read
from ses_integration.drift.model import DriftInput
from ses_integration.drift.sweep import any_up_to_date, claim_sweep, sweep_observed
from ses_integration.errors import SesError
from ses_integration.watch import kept
from ses_integration.watch.look import has_changed

# Workers that start together sweep SES so far apart, in seconds.
START_SPACING = 60.0
# Each tag takes a call, and the worker has other tasks. ses_reconcile reads all of them.
MOST_TAGS = 20


class SesSweeper:
    """The SES sweeps of one worker process: once an interval for all workers together, and sooner after a start or a failure.

    A worker sweeps after its start, because the database may have been restored, and again after a failed sweep. Both happen
    within a minute, and not at the same time as another worker's.
    """

    def __init__(self, interval: float, progress: Callable[[], None] = lambda: None) -> None:
        """`interval` is in seconds. `progress` is called between the calls of a sweep, each of which may wait for its turn."""
        self._interval = interval
        self._progress = progress
        self._swept = False
        self._skipped: list[str] = []

    def run(self, *, at_once: bool = False) -> float | None:
        """Sweep if it is this worker's turn or `at_once`, and return None; else return in how many seconds to ask again.

        Raises SesError when SES cannot be asked.
        """
        spacing = self._interval if self._swept else min(START_SPACING, self._interval)
        seconds = claim_sweep(0.0 if at_once else spacing)
        if seconds is None:
            self.sweep()
        return seconds

    def run_again(self) -> None:
        """Sweep again once a domain that the last sweep had to skip, because a pass was under way, is up to date."""
        if any_up_to_date(self._skipped):
            claim_sweep(0.0)  # so that it counts for the other workers, too
            self.sweep()

    def sweep(self) -> None:
        """Sweep now, without a claim, so that the turns of other workers stay the same. Raises SesError."""
        self._swept = False
        config = ses_config()
        try:
            self._skipped = _sweep(config, self._progress)
        except SesError as error:
            if config.region:
                kept.keep_failure(config, error)
            raise
        self._swept = True

    def look(self) -> None:
        """Sweep again if something foreign has changed in the rule set. Raises SesError."""
        if has_changed(ses_config()):
            claim_sweep(0.0)
            self.sweep()


def _sweep(config: SesConfig, progress: Callable[[], None]) -> list[str]:
    """Returns the domains that were skipped."""
    if config.region:
        kept.begin(config)
    known = recorded_names(config)
    seen = observe_all_rules(config)
    progress()
    # Before entries are invalidated: then nothing would differ any more.
    comparison = None
    if not seen.identities_error:
        comparison = compare_with(config, seen, known, _some_tags, progress=lambda number, total: progress())
    swept = sweep_observed(config, seen, known)
    if comparison is not None:
        kept.keep(config, comparison)
    return swept.skipped


def _some_tags(drift_input: DriftInput) -> Sequence[str]:
    return tags_to_read(drift_input)[:MOST_TAGS]
