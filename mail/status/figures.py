"""What waits, what is dead, which endpoints are down: numbers with their ages, from the database and the queue."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.contrib.auth.base_user import AbstractBaseUser as User
from django.db import models
from django.db.models import Case, Count, F, Max, Min, Q, QuerySet, When
from django.utils import timezone

from mail.models import Delivery, DeliveryQuerySet, ForwardRecipient, MailCount, MailSweep, Message, ReceivedEmail
from mail.status.endpoints import Trouble, TroubledEndpoint, troubled_endpoints
from ses_integration.api import MailQueue, SesError, mail_source

# Bounces ask for nothing by themselves. Those of this time are shown.
BOUNCE_DAYS = 7
QUARANTINED_SHOWN = 5
# A worker takes what is due within seconds. If nobody has after this time, perhaps none is running.
LATE = timedelta(minutes=1)
Row = TypeVar("Row", bound=models.Model)


@dataclass(frozen=True, slots=True)
class Pile:
    """How many there are. `since`: from when the oldest is, `newest`: from when the newest is, as far as it matters."""

    number: int = 0
    since: datetime | None = None
    newest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Work for the mail worker. `next_try`: when the first of it may be tried. `why`: the most frequent problem.

    `stalled`: how much of it waits until a person acts.
    """

    number: int = 0
    since: datetime | None = None
    next_try: datetime | None = None
    why: str = ""
    stalled: int = 0

    def is_late(self, now: datetime) -> bool:
        return self.next_try is not None and now - self.next_try > LATE


@dataclass(frozen=True, slots=True)
class Queue:
    """Notifications that wait in SQS, that are being read, and that nobody could process. `problem`: why that is unknown."""

    waiting: int = 0
    in_flight: int = 0
    dead_letters: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class MailStatus:
    """Everything, at the time `at`. `queue`: None if mail is not read from one. `sweeps`: problems by domain.

    `quarantined_ids`: the newest few.
    """

    at: datetime
    to_read: Waiting
    due: Waiting
    in_flight: int
    dead: Pile
    to_erase: Waiting
    quarantined: Pile
    quarantined_ids: list[str]
    blocked: Pile
    bounces: Pile
    endpoints: list[TroubledEndpoint] = field(default_factory=list)
    sweeps: dict[str, str] = field(default_factory=dict)
    queue: Queue | None = None

    @property
    def held(self) -> int:
        """Deliveries that wait until somebody switches their endpoint on."""
        off = (Trouble.SWITCHED_OFF, Trouble.INACTIVE)
        return sum(one.waiting for one in self.endpoints if one.trouble in off)

    @property
    def is_pending(self) -> bool:
        """Whether anything waits that a worker does by itself."""
        queued = self.queue is not None and self.queue.waiting + self.queue.in_flight
        return bool(self.to_read.number or self.due.number or self.to_erase.number or queued)

    @property
    def needs_attention(self) -> bool:
        """Whether anything is wrong that may stay so until a person acts."""
        queue = self.queue is not None and (self.queue.dead_letters or self.queue.problem)
        harmless = (Trouble.FAILING, Trouble.SLOW, Trouble.NONE)
        endpoints = any(one.trouble not in harmless for one in self.endpoints)
        return bool(self.dead.number or self.to_erase.stalled or endpoints or self.sweeps or queue)


def mail_status(owner: User | None = None, *, asks_queue: bool = True) -> MailStatus:
    """Read all of it, or what is the owner's: twelve statements. If it `asks_queue` and there is one, two calls to AWS."""
    live = _live_deliveries(owner)
    due, in_flight, waiting = _due(live)
    dead, dead_of = _dead(live)
    held = _held_back(owner)
    quarantined = held[ReceivedEmail.Disposition.QUARANTINED]
    return MailStatus(
        at=timezone.now(),
        to_read=to_read(owner),
        due=due,
        in_flight=in_flight,
        dead=dead,
        to_erase=to_erase(owner),
        quarantined=quarantined,
        quarantined_ids=_newest_quarantined(owner) if quarantined.number else [],
        blocked=held[ReceivedEmail.Disposition.BLOCKED],
        bounces=_bounces(owner),
        endpoints=troubled_endpoints(waiting, dead_of, owner),
        sweeps=_sweeps(owner),
        queue=queue() if asks_queue and mail_source() == "sqs" else None,
    )


def to_read(owner: User | None = None) -> Waiting:
    return _waiting(_of(owner, Message.objects.live().filter(state=Message.State.ARRIVED), "domain__owner"))


def to_erase(owner: User | None = None, **only: bool) -> Waiting:
    """Mail whose object is to be erased; `only` those that are `stalled`, or the others. How long it waits is not known."""
    rows = Message.objects.to_erase().filter(**only)
    return replace(_waiting(_of(owner, rows, "domain__owner")), since=None)


def deliveries_due() -> Waiting:
    """Deliveries to active endpoints that have to be made."""
    return _due(_live_deliveries(None))[0]


def _live_deliveries(owner: User | None) -> DeliveryQuerySet:
    """Deliveries of live domains. Those of an owner's mail are to the owner's endpoints."""
    rows = Delivery.objects.without_mail_of(MailCount.objects.all().without_live_domain())
    return rows if owner is None else rows.filter(endpoint__owner=owner.pk)


def _due(live: DeliveryQuerySet) -> tuple[Waiting, int, dict[str, int]]:
    """Those to active endpoints that have to be made, how many of them a process is making, and how many each endpoint has.

    By endpoint and problem in one statement, because all of these have to be read.
    """
    now = timezone.now()
    gate = "endpoint__gate__not_before"
    opens = Case(When(Q(**{f"{gate}__gt": F("retry_at")}), then=F(gate)), default=F("retry_at"))
    groups = live.due().order_by().values("endpoint", "problem", is_active=F("endpoint__is_active"))
    found = groups.annotate(
        number=Count("pk"),
        since=Min("created_at"),
        next_try=Min(opens, filter=Q(leased_until=None) | Q(leased_until__lte=now)),
        in_flight=Count("pk", filter=Q(leased_until__gt=now)),
    )
    of_endpoints: Counter[str] = Counter()
    problems: Counter[str] = Counter()
    due = []
    for group in found:
        of_endpoints[group["endpoint"]] += group["number"]
        if group["is_active"]:
            due.append(group)
            problems[group["problem"]] += group["number"]
    waiting = Waiting(
        number=problems.total(),
        since=min((group["since"] for group in due), default=None),
        next_try=min((group["next_try"] for group in due if group["next_try"]), default=None),
        why=min((problem for problem in problems if problem), key=lambda one: (-problems[one], one), default=""),
    )
    return waiting, sum(group["in_flight"] for group in due), of_endpoints


def _dead(live: DeliveryQuerySet) -> tuple[Pile, dict[str, int]]:
    """Dead deliveries, and how many each endpoint has."""
    rows = live.filter(state=Delivery.State.DEAD).order_by().values("endpoint")
    found = list(rows.annotate(number=Count("pk"), newest=Max("finished_at"), since=Min("finished_at")))
    if not found:
        return Pile(), {}
    numbers = {row["endpoint"]: row["number"] for row in found}
    since = min((row["since"] for row in found if row["since"]), default=None)
    newest = max((row["newest"] for row in found if row["newest"]), default=None)
    return Pile(sum(numbers.values()), since, newest), numbers


def queue() -> Queue:
    try:
        depth = MailQueue().depth()
    except SesError as error:
        return Queue(problem=error.sentence)
    return Queue(depth.waiting, depth.in_flight, depth.dead_letters)


def _waiting(messages: QuerySet[Message]) -> Waiting:
    found = messages.aggregate(
        number=Count("pk"),
        since=Min("arrived_at"),
        next_try=Min("retry_at"),
        stalled=Count("pk", filter=Q(stalled=True)),
    )
    if not found["number"]:
        return Waiting()
    return Waiting(**found, why=_most_frequent_problem(messages))


def _most_frequent_problem(rows: QuerySet[Any]) -> str:
    problems = rows.exclude(problem="").order_by().values("problem").annotate(times=Count("pk"))
    most = problems.order_by("-times", "problem").first()
    return str(most["problem"]) if most else ""


def _held_back(owner: User | None) -> dict[str, Pile]:
    kinds = (ReceivedEmail.Disposition.QUARANTINED, ReceivedEmail.Disposition.BLOCKED)
    held = _of(owner, ReceivedEmail.objects.live().filter(disposition__in=kinds), "owner")
    rows = held.order_by().values("disposition")
    found = rows.annotate(number=Count("pk"), since=Min("arrived_at"), newest=Max("arrived_at"))
    piles = {row["disposition"]: Pile(row["number"], row["since"], row["newest"]) for row in found}
    return {kind: piles.get(kind, Pile()) for kind in kinds}


def _newest_quarantined(owner: User | None) -> list[str]:
    held = _of(owner, ReceivedEmail.objects.live().filter(disposition=ReceivedEmail.Disposition.QUARANTINED), "owner")
    return list(held.order_by("-arrived_at", "-pk").values_list("pk", flat=True)[:QUARANTINED_SHOWN])


def _bounces(owner: User | None) -> Pile:
    since = timezone.now() - timedelta(days=BOUNCE_DAYS)
    states = (ForwardRecipient.State.BOUNCED, ForwardRecipient.State.COMPLAINED)
    bounced = ForwardRecipient.objects.filter(state__in=states, sent_at__gte=since)
    found = _of(owner, bounced, "delivery__received__owner")
    return Pile(**found.aggregate(number=Count("pk"), since=Min("sent_at"), newest=Max("sent_at")))


def _sweeps(owner: User | None) -> dict[str, str]:
    rows = MailSweep.objects.filter(domain__deleting_since=None).exclude(problem="").order_by("domain__name")
    return dict(_of(owner, rows, "domain__owner").values_list("domain__name", "problem"))


def _of(owner: User | None, rows: QuerySet[Row], path: str) -> QuerySet[Row]:
    return rows if owner is None else rows.filter(**{path: owner.pk})
