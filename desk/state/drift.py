"""What the last comparison with SES has found and the worker does not repair, and whether there was one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from django.conf import settings

from desk.state import wording
from desk.state.values import Difference, Finding, Kind, LastSweep, Level, WorkerSeen
from desk.state.workers import is_at_work
from workers.models import WorkerKind

# Kinds of differences in the JSON of `ses_reconcile`.
FOREIGN, NOT_ACTIVE, OUT_OF_ORDER = "foreign", "not active", "out of order"

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


def findings(listed: Iterable[Difference], names: Collection[str] | None) -> Iterator[Finding]:
    """`names`: the domains of an owner. Then only what concerns these or everybody, without the names of others."""
    lasting = [one for one in listed if one.lasts and (names is None or _concerns(one, names))]
    for one in lasting:
        if one.sort == FOREIGN:
            yield _foreign(one, names)
        elif one.sort == NOT_ACTIVE:
            act = wording.ACT_ON_RULE_SET
            yield Finding(
                Kind.RULE_SET, Level.NEEDS_YOU, one.name, wording.NOT_ACTIVE, wording.sentence(one.why), act, one.since
            )
        elif one.sort != OUT_OF_ORDER:
            act = "" if wording.CLEANS_UP in one.why else wording.CLEAN_UP
            why = wording.sentence(one.why)
            yield Finding(Kind.DRIFT, Level.NEEDS_YOU, one.name, wording.leftover(one), why, act, one.since)
    yield from _out_of_order([one for one in lasting if one.sort == OUT_OF_ORDER])


def _concerns(one: Difference, names: Collection[str]) -> bool:
    everybody = one.sort == NOT_ACTIVE or one.takes_everything
    return everybody or one.domain in names or any(name in names for name in one.takes_from)


def _foreign(one: Difference, names: Collection[str] | None) -> Finding:
    taken = [name for name in one.takes_from if names is None or name in names]
    return Finding(
        Kind.FOREIGN_RULE,
        Level.NEEDS_YOU,
        subject=one.name,
        what=wording.foreign_rule(one, taken),
        why=wording.sentence(one.why),
        act=wording.ACT_ON_FOREIGN_RULE,
        since=one.since,
        domain=taken[0] if len(taken) == 1 else "",
    )


def _out_of_order(some: Sequence[Difference]) -> Iterator[Finding]:
    """One finding for each reason: a rule in front of others may be in front of many."""
    groups: dict[str, list[Difference]] = defaultdict(list)
    for one in some:
        groups[one.why].append(one)
    for why, group in groups.items():
        yield Finding(
            Kind.DRIFT,
            Level.NEEDS_YOU,
            subject=group[0].name if len(group) == 1 else wording.rules(len(group)),
            what=wording.OUT_OF_ORDER,
            why=wording.sentence(why),
            act=wording.ACT_ON_ORDER,
            since=min((one.since for one in group if one.since), default=None),
            domain=group[0].domain if len(group) == 1 else "",
        )
