"""Read the state from the database. Makes no AWS call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from django.contrib.auth.base_user import AbstractBaseUser as User
from django.db import connection, transaction
from django.db.models import Count

from audit.actions import MODELS, Action
from audit.models import Change
from desk.state.deletions import read_deletions
from desk.state.drift import sweep_findings
from desk.state.mail import read_mail, read_mail_figures
from desk.state.ses import read_ses
from desk.state.values import Finding, Kind, LastDay, Level, State, Tally
from desk.state.workers import findings as worker_findings
from desk.state.workers import is_at_work, read_workers
from mail.status.queue import CURRENT
from ses_integration.api import database_now
from workers.models import WorkerKind

MOST = 200
Group = TypeVar("Group", Kind, Level)

DAY = timedelta(days=1)
# Fields of LastDay by what they count.
COUNTED = {
    "domains_added": ("domain", Action.ADDED),
    "domains_deleted": ("domain", Action.DELETED),
    "deletions_proved": ("deletion", Action.PROVED),
    "addresses_added": ("emailAddress", Action.ADDED),
    "addresses_deleted": ("emailAddress", Action.DELETED),
    "keys_revoked": ("apiKey", Action.REVOKED),
}


def read_state(owner: User | None = None) -> State:
    """The state of the installation at one moment; about 35 statements, however much there is.

    With `owner`, only what is theirs, and what concerns everybody without names of others.
    """
    with one_moment():
        return _read(owner)


@contextmanager
def one_moment(*, patience: int | None = None) -> Iterator[None]:
    """Let all statements see the same rows: what moves from one table to another would be in both, or in none.

    A statement fails after `patience` seconds instead of waiting, such as for a table that a migration has locked. Not on
    SQLite, where every transaction takes the only lock for writing.
    """
    is_inner = connection.in_atomic_block
    if connection.vendor != "postgresql" or (is_inner and patience is None):
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            if not is_inner:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            if patience is not None:
                cursor.execute(f"SET LOCAL statement_timeout = '{patience}s'")
        yield


def _read(owner: User | None) -> State:
    now = database_now()
    workers, figures = read_workers(now), read_mail_figures(owner)
    ses, deletions = read_ses(owner, MOST), read_deletions(owner, MOST)
    mail, of_mail = read_mail(owner, MOST, measures=is_at_work(WorkerKind.MAIL, workers, now, CURRENT))
    found = [*worker_findings(workers, now, names_hosts=owner is None), *ses.findings, *deletions.findings, *mail]
    found += sweep_findings(ses.sweep, workers, now)
    counted = ses.tallies | deletions.tallies | of_mail
    tallies = {**_tallies(finding for finding in found if (finding.kind, finding.level) not in counted), **counted}
    return State(
        at=now,
        region=ses.region,
        rule_set=ses.rule_set,
        account=ses.account,
        workers=workers,
        findings=sorted(found, key=_worst_and_oldest_first)[:MOST],
        by_level=_sums((level, tally) for (_, level), tally in tallies.items()),
        by_kind=_sums((kind, tally) for (kind, _), tally in tallies.items()),
        waiting=_sums((kind, tally) for (kind, level), tally in tallies.items() if level is not Level.NEEDS_YOU),
        mail=replace(figures, unreachable=ses.unreachable),
        sweep=ses.sweep,
        confirmed_until=ses.sweep.ended_at if ses.sweep and not _waits_for_ses(tallies) else None,
        quotas=ses.quotas,
        last_day=_last_day(owner, now),
        deletions_unproved=deletions.unproved,
        deletions_restorable=deletions.restorable,
    )


def _waits_for_ses(tallies: Mapping[tuple[Kind, Level], Tally]) -> bool:
    return any(tally.number for (kind, _), tally in tallies.items() if kind in (Kind.SES_CHANGE, Kind.UNANSWERED_CALL))


def _worst_and_oldest_first(finding: Finding) -> tuple[int, bool, float]:
    """Workers before the rest of their level: what is said of everything else depends on them, so none may be left out."""
    since = finding.since.timestamp() if finding.since else 0.0
    return list(Level).index(finding.level), finding.kind is not Kind.WORKER, since


def _tallies(found: Iterable[Finding]) -> dict[tuple[Kind, Level], Tally]:
    """Of findings that are all listed."""
    groups: dict[tuple[Kind, Level], list[Finding]] = defaultdict(list)
    for finding in found:
        groups[finding.kind, finding.level].append(finding)
    return {key: Tally(len(group), _oldest(group)) for key, group in groups.items()}


def _sums(tallies: Iterable[tuple[Group, Tally]]) -> dict[Group, Tally]:
    groups: dict[Group, list[Tally]] = defaultdict(list)
    for key, tally in tallies:
        if tally.number:
            groups[key].append(tally)
    return {key: Tally(sum(one.number for one in group), _oldest(group)) for key, group in groups.items()}


def _oldest(some: Iterable[Finding | Tally]) -> datetime | None:
    return min((one.since for one in some if one.since), default=None)


def _last_day(owner: User | None, now: datetime) -> LastDay:
    """What has been done in 24 hours, from the audit log; one statement."""
    changes = Change.objects.filter(at__gte=now - DAY)
    if owner is not None:
        changes = changes.filter(owner=owner.pk)
    rows = changes.order_by().values("object_type", "action").annotate(number=Count("pk"))
    found = {(row["object_type"], row["action"]): row["number"] for row in rows}
    return LastDay(**{name: found.get((MODELS[what], action.value), 0) for name, (what, action) in COUNTED.items()})
