"""Whether SES is compared with the database as often as it should be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.conf import settings

from desk.state import wording
from desk.state.values import Finding, Kind, LastSweep, Level, WorkerSeen
from desk.state.workers import is_at_work
from workers.models import WorkerKind

# A sweep takes time, and one that fails is soon tried again.
MARGIN = timedelta(minutes=10)


def sweep_findings(sweep: LastSweep | None, workers: Sequence[WorkerSeen], now: datetime) -> Iterator[Finding]:
    """That the last sweep failed, unless a worker says so, or that none is made although a worker runs."""
    problem, ended_at = (sweep.problem, sweep.ended_at) if sweep else ("", None)
    if sweep is not None and problem:
        if not any(worker.is_alive and worker.problem.endswith(problem) for worker in workers):
            level, act = (Level.NEEDS_YOU, wording.ACT_ON_REFUSAL) if sweep.needs_you else (Level.PENDING, "")
            yield Finding(Kind.SWEEP, level, "SES", wording.NOT_COMPARED, problem, act, ended_at)
        return
    longest = 2 * timedelta(seconds=settings.SES_SWEEP_SECONDS) + MARGIN
    is_late = ended_at is None or ended_at < now - longest
    if is_late and is_at_work(WorkerKind.SES, workers, now, longest):
        why, act = wording.no_sweep(longest), wording.ACT_ON_STUCK_WORKER
        yield Finding(Kind.SWEEP, Level.NEEDS_YOU, "SES", wording.NOT_COMPARED, why, act, ended_at)
