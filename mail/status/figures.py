"""What waits, what is dead, which endpoints are down: numbers with their ages, from the database and the queue."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Count, F, Max, Min, Q, QuerySet, When
from django.utils import timezone

from mail.models import Delivery, ForwardRecipient, MailSweep, Message, ReceivedEmail
from mail.status.endpoints import Trouble, TroubledEndpoint, troubled_endpoints
from ses_integration.api import MailQueue, SesError, mail_source

# Bounces ask for nothing by themselves. Those of this time are shown.
BOUNCE_DAYS = 7
QUARANTINED_SHOWN = 5
# A worker takes what is due within seconds. If nobody has after this time, perhaps none is running.
LATE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Pile:
    """How many there are. `since`: from when the oldest is, `newest`: from when the newest is, as far as it matters."""

    number: int = 0
    since: datetime | None = None
    newest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Work for the mail worker. `next_try`: when the first of it may be tried. `why`: the most frequent problem."""

    number: int = 0
    since: datetime | None = None
    next_try: datetime | None = None
    why: str = ""

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
        return bool(self.dead.number or endpoints or self.sweeps or queue)


def mail_status() -> MailStatus:
    """Read all of it: twelve statements, and with a queue two calls to AWS."""
    due, in_flight = deliveries_due()
    dead, dead_of = _dead()
    held = _held_back()
    quarantined = held[ReceivedEmail.Disposition.QUARANTINED]
    return MailStatus(
        at=timezone.now(),
        to_read=to_read(),
        due=due,
        in_flight=in_flight,
        dead=dead,
        to_erase=to_erase(),
        quarantined=quarantined,
        quarantined_ids=_newest_quarantined() if quarantined.number else [],
        blocked=held[ReceivedEmail.Disposition.BLOCKED],
        bounces=_bounces(),
        endpoints=troubled_endpoints(dead_of),
        sweeps=_sweeps(),
        queue=queue() if mail_source() == "sqs" else None,
    )


def to_read() -> Waiting:
    return _waiting(Message.objects.live().filter(state=Message.State.ARRIVED))


def to_erase() -> Waiting:
    """Mail whose object is to be erased. How long it waits is not known."""
    found = _waiting(Message.objects.filter(state=Message.State.ERASING, erased_at=None))
    return Waiting(found.number, None, found.next_try, found.why)


def deliveries_due() -> tuple[Waiting, int]:
    """Deliveries to active endpoints that have to be made, and how many of them a process is making."""
    now = timezone.now()
    due = Delivery.objects.live().due().filter(endpoint__is_active=True)
    gate = "endpoint__gate__not_before"
    opens = Case(When(Q(**{f"{gate}__gt": F("retry_at")}), then=F(gate)), default=F("retry_at"))
    found = due.aggregate(
        number=Count("pk"),
        since=Min("created_at"),
        next_try=Min(opens, filter=Q(leased_until=None) | Q(leased_until__lte=now)),
        in_flight=Count("pk", filter=Q(leased_until__gt=now)),
    )
    in_flight = found.pop("in_flight")
    return Waiting(**found, why=_most_frequent_problem(due) if found["number"] else ""), in_flight


def _dead() -> tuple[Pile, dict[str, int]]:
    """Dead deliveries, and how many each endpoint has."""
    rows = Delivery.objects.live().filter(state=Delivery.State.DEAD).order_by().values("endpoint")
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
    found = messages.aggregate(number=Count("pk"), since=Min("arrived_at"), next_try=Min("retry_at"))
    if not found["number"]:
        return Waiting()
    return Waiting(**found, why=_most_frequent_problem(messages))


def _most_frequent_problem(rows: QuerySet[Any]) -> str:
    problems = rows.exclude(problem="").order_by().values("problem").annotate(times=Count("pk"))
    most = problems.order_by("-times", "problem").first()
    return str(most["problem"]) if most else ""


def _held_back() -> dict[str, Pile]:
    kinds = (ReceivedEmail.Disposition.QUARANTINED, ReceivedEmail.Disposition.BLOCKED)
    rows = ReceivedEmail.objects.live().filter(disposition__in=kinds).order_by().values("disposition")
    found = rows.annotate(number=Count("pk"), since=Min("arrived_at"), newest=Max("arrived_at"))
    piles = {row["disposition"]: Pile(row["number"], row["since"], row["newest"]) for row in found}
    return {kind: piles.get(kind, Pile()) for kind in kinds}


def _newest_quarantined() -> list[str]:
    held = ReceivedEmail.objects.live().filter(disposition=ReceivedEmail.Disposition.QUARANTINED)
    return list(held.order_by("-arrived_at", "-pk").values_list("pk", flat=True)[:QUARANTINED_SHOWN])


def _bounces() -> Pile:
    since = timezone.now() - timedelta(days=BOUNCE_DAYS)
    states = (ForwardRecipient.State.BOUNCED, ForwardRecipient.State.COMPLAINED)
    found = ForwardRecipient.objects.filter(state__in=states, sent_at__gte=since)
    return Pile(**found.aggregate(number=Count("pk"), since=Min("sent_at"), newest=Max("sent_at")))


def _sweeps() -> dict[str, str]:
    rows = MailSweep.objects.filter(domain__deleting_since=None).exclude(problem="").order_by("domain__name")
    return dict(rows.values_list("domain__name", "problem"))
