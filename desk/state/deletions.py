"""Deletions that are not finished, or not verified."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser as User
from django.db.models import Case, CharField, Count, F, Min, Q, Value, When
from django.db.models.functions import Coalesce, Now

from desk.state import wording
from desk.state.values import Finding, Kind, Level, Tally
from domains.deletion import proof
from domains.models import DomainDeletion, Step
from ses_integration.api import SyncState


@dataclass(slots=True)
class DeletionFacts:
    unproved: int
    # In their grace period.
    restorable: int = 0
    findings: list[Finding] = field(default_factory=list)
    tallies: dict[tuple[Kind, Level], Tally] = field(default_factory=dict)


# A worker verifies what is finished within a minute.
LATE = timedelta(minutes=10)


def read_deletions(owner: User | None, most: int) -> DeletionFacts:
    """Three statements: those that are not finished, and those that nobody has verified for ten minutes.

    A deletion in its grace period is a figure, until it should have ended. Leaves out those that only wait for SES: they are told
    as changes of SES. Stored mail waits until SES has confirmed that no rule stores more.
    """
    every = DomainDeletion.objects.for_good()
    if owner is not None:
        every = every.owned_by(owner)
    unverified = Q(proved_at=None, finished_at__lt=Now() - LATE) | Q(look_again_at__lt=Now() - LATE)
    finished = Q(finished_at__isnull=False)
    elsewhere = ~Q(region="") & ~Q(region=settings.AWS_REGION, rule_set=settings.SES_RULE_SET)
    stored = ~Q(rules=Step.PENDING) & (Q(received_emails=Step.PENDING) | Q(stored_mail=Step.PENDING))
    waits_for_ses = Q(name__in=SyncState.pending_names())
    known_as_changes = ~finished & ~stored & waits_for_ses
    rows = (
        every.filter(~finished | unverified)
        .exclude(restorable_until__gte=Now() - LATE)
        .exclude(known_as_changes)
        .annotate(
            since=Case(
                When(proved_at=None, then=Coalesce("finished_at", "restorable_until", "started_at")),
                default=F("look_again_at"),
            ),
            changes=Case(When(finished & waits_for_ses, then=Value(True)), default=Value(False)),
            needs_you=Case(When(Q(stalled=True) | finished & elsewhere, then=Value(True)), default=Value(False)),
            kind=Case(
                When(finished, then=Value(Kind.PROOF.value)),
                When(stored, then=Value(Kind.STORED_MAIL.value)),
                default=Value(Kind.DELETION.value),
                output_field=CharField(),
            ),
        )
    )
    counted = every.filter(proved_at=None).aggregate(
        unproved=Count("pk", filter=finished),
        restorable=Count("pk", filter=Q(restorable_until__isnull=False)),
    )
    facts = DeletionFacts(**counted)
    listed: list[Any] = list(rows.order_by("-needs_you", "since", "pk")[:most])
    facts.findings = [_finding(row, Kind(row.kind)) for row in listed]
    counts = rows.order_by().values("kind", "needs_you").annotate(number=Count("pk"), oldest=Min("since"))
    for row in counts:
        facts.tallies[Kind(row["kind"]), _level(row["needs_you"])] = Tally(row["number"], row["oldest"])
    return facts


def _level(needs_you: bool) -> Level:
    return Level.NEEDS_YOU if needs_you else Level.PENDING


def _finding(record: Any, kind: Kind) -> Finding:
    """`record`: a DomainDeletion with `needs_you`, `since` and `changes`."""
    if kind is not Kind.PROOF:
        what, why = wording.deletion(record.labels(record.pending_steps)), record.problem
        act = wording.ACT_ON_STORED_MAIL
    else:
        what, why = wording.UNVERIFIED, proof.problem_of(record)
        why = why or (wording.NAME_CHANGES if record.changes else "")
        act = wording.CHECK_REGION
    return Finding(
        kind,
        _level(record.needs_you),
        subject=record.name,
        what=what,
        why=why,
        act=act if record.needs_you else "",
        since=record.since,
        tries=record.attempts,
        next_try=record.retry_at,
        domain=record.name,
        owner_id=record.owner_id,
        page=("domains.domaindeletion", record.pk),
    )
