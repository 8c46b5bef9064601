"""Which workers run, and what is wrong with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from desk.state import wording
from desk.state.values import Finding, Kind, Level, WorkerSeen
from mail.models import Delivery, EventNotice, Message
from ses_integration.api import mail_source
from workers.alive import ALIVE
from workers.models import Worker, WorkerKind, here
from workers.wording import no_worker

# A supervisor starts a worker again and again that dies at once, so that one always seems to be alive.
LATELY, OFTEN = timedelta(minutes=15), 3


def read_workers(now: datetime) -> list[WorkerSeen]:
    """Those that are alive; of a kind of which none is, the one that was last heard of, and those elsewhere. One statement."""
    rows = list(Worker.objects.order_by("kind", "-last_round_at"))
    seen = [_seen(row, now) for row in rows]
    died = Counter((row.kind, row.host) for row in rows if not _elsewhere(row) and _has_died_lately(row, now))
    shown = [replace(worker, died=died[worker.kind, worker.host]) for worker in seen if worker.is_alive]
    for kind in WorkerKind:
        others = [(row, worker) for row, worker in zip(rows, seen, strict=True) if row.kind == kind]
        if not any(worker.is_alive for _, worker in others):
            shown += [worker for _, worker in others if not worker.elsewhere][:1]
            shown += [worker for row, worker in others if worker.elsewhere and _runs(row, now)]
    return shown


def _seen(row: Worker, now: datetime) -> WorkerSeen:
    elsewhere = _elsewhere(row)
    return WorkerSeen(
        kind=row.kind,
        host=row.host,
        pid=row.pid,
        version=row.version,
        started_at=row.started_at,
        last_round_at=row.stopped_at or row.last_round_at,
        is_alive=not elsewhere and _runs(row, now),
        problem=row.problem,
        problem_since=row.problem_since,
        needs_you=row.needs_you,
        elsewhere=elsewhere,
    )


def _elsewhere(row: Worker) -> str:
    return "" if row.place in ("", here()) else row.place


def _has_died_lately(row: Worker, now: datetime) -> bool:
    return row.stopped_at is None and row.started_at > now - LATELY and row.last_round_at < now - ALIVE


def is_at_work(kind: WorkerKind, workers: Sequence[WorkerSeen], now: datetime, span: timedelta) -> bool:
    """Whether a worker is alive that has run for this long."""
    return any(worker.is_alive and worker.kind == kind and worker.started_at < now - span for worker in workers)


def _runs(row: Worker, now: datetime) -> bool:
    """As `alive_workers` has it."""
    return row.stopped_at is None and abs(row.last_round_at - now) < ALIVE


def wanted() -> list[WorkerKind]:
    """The kinds that have something to do. Without a source of mail, a mail worker only finishes what is left."""
    return [kind for kind in WorkerKind if kind is not WorkerKind.MAIL or mail_source() != "none" or _mail_is_left()]


def _mail_is_left() -> bool:
    """Up to three statements."""
    deliveries = Delivery.objects.live().due().filter(endpoint__is_active=True)
    events = EventNotice.objects.waiting().filter(endpoint__is_active=True)
    return deliveries.exists() or Message.objects.to_erase().exists() or events.exists()


def findings(workers: Sequence[WorkerSeen], now: datetime, *, names_hosts: bool = True) -> Iterator[Finding]:
    for kind in wanted():
        alive = [worker for worker in workers if worker.kind == kind and worker.is_alive]
        if not alive:
            others = [worker for worker in workers if worker.kind == kind]
            since = max((worker.last_round_at for worker in others if not worker.elsewhere), default=None)
            elsewhere = [worker.elsewhere for worker in others if worker.elsewhere and names_hosts]
            yield Finding(
                Kind.WORKER,
                Level.NEEDS_YOU,
                subject=kind,
                what=no_worker(kind, since, now, elsewhere=elsewhere),
                act=wording.start(kind),
                since=since,
            )
        for host in sorted({worker.host for worker in alive if worker.died >= OFTEN}):
            yield Finding(
                Kind.WORKER,
                Level.NEEDS_YOU,
                subject=f"{kind} on {host}" if names_hosts else kind,
                what="it does not stay alive",
                why=wording.died(max(worker.died for worker in alive if worker.host == host), LATELY),
                act=wording.ACT_ON_DEATHS,
            )
        for worker in alive:
            if worker.problem:
                yield Finding(
                    Kind.WORKER,
                    Level.NEEDS_YOU if worker.needs_you else Level.PENDING,
                    subject=f"{kind} on {worker.host}" if names_hosts else kind,
                    what="a task fails",
                    why=worker.problem,
                    act=wording.ACT_ON_REFUSAL if worker.needs_you else "",
                    since=worker.problem_since,
                )
