"""Deletions that are not finished."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser as User
from django.db.models import Case, CharField, Count, Min, Q, Value, When

from desk.state import wording
from desk.state.values import Finding, Kind, Level, Tally
from domains.models import DomainDeletion, Step
from ses_integration.api import SyncState


@dataclass(slots=True)
class DeletionFacts:
    unproved: int
    findings: list[Finding] = field(default_factory=list)
    tallies: dict[tuple[Kind, Level], Tally] = field(default_factory=dict)


def read_deletions(owner: User | None, most: int) -> DeletionFacts:
    """Three statements. Leaves out those that only wait for SES: they are told as changes of SES.

    Stored mail waits until SES has confirmed that no rule stores more.
    """
    every = DomainDeletion.objects.all() if owner is None else DomainDeletion.objects.owned_by(owner)
    stored = ~Q(rules=Step.PENDING) & (Q(received_emails=Step.PENDING) | Q(stored_mail=Step.PENDING))
    known_as_changes = ~stored & Q(name__in=SyncState.pending_names())
    rows = (
        every.pending()
        .exclude(known_as_changes)
        .annotate(
            kind=Case(
                When(stored, then=Value(Kind.STORED_MAIL.value)),
                default=Value(Kind.DELETION.value),
                output_field=CharField(),
            )
        )
    )
    facts = DeletionFacts(every.filter(proved_at=None, finished_at__isnull=False).count())
    listed: list[Any] = list(rows.order_by("-stalled", "started_at", "pk")[:most])
    facts.findings = [_finding(row, Kind(row.kind)) for row in listed]
    counts = rows.order_by().values("kind", "stalled").annotate(number=Count("pk"), since=Min("started_at"))
    for row in counts:
        facts.tallies[Kind(row["kind"]), _level(stalled=row["stalled"])] = Tally(row["number"], row["since"])
    return facts


def _level(*, stalled: bool) -> Level:
    return Level.NEEDS_YOU if stalled else Level.PENDING


def _finding(record: DomainDeletion, kind: Kind) -> Finding:
    return Finding(
        kind,
        _level(stalled=record.stalled),
        subject=record.name,
        what=wording.deletion(record.labels(record.pending_steps)),
        why=record.problem,
        act=wording.ACT_ON_STORED_MAIL if record.stalled else "",
        since=record.started_at,
        tries=record.attempts,
        next_try=record.retry_at,
        domain=record.name,
        owner_id=record.owner_id,
        page=("domains.domaindeletion", record.pk),
    )
