"""What people ask for: make a delivery again, or not at all, deliver any email to an endpoint, release one from quarantine.

The id and the body of a webhook stay the same, because it is the same row. The log goes on, the schedule begins anew.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from audit.actions import Action
from audit.record import Entry, record
from endpoints.models import Endpoint
from mail.delivery.claims import in_hand
from mail.delivery.gates import open_for_one
from mail.models import Delivery, DeliveryQuerySet, ForwardRecipient, Message, ReceivedEmail
from mail.models.delivery import lifetime
from mail.routing.record import create_deliveries, route_released
from mail.routing.route import Disposition, Reason, Route

State = Delivery.State


class CannotDeliver(Exception):
    """It cannot be done, and `str(error)` says why. `sentence`: the same for every error of a class."""

    sentence = ""

    def __init__(self, sentence: str = "") -> None:
        super().__init__(sentence or self.sentence)


class AlreadyDelivered(CannotDeliver):
    sentence = 'Delivery already succeeded. Send "again": true to deliver it again.'


class InProgress(CannotDeliver):
    sentence = "Delivery is already in progress"


class DeliveryGone(CannotDeliver):
    sentence = "Delivery not found for this email"


class NoDelivery(DeliveryGone):
    sentence = 'Email has no delivery to make again. Send "endpoint_id" to deliver it to an endpoint.'


class EndpointUnusable(CannotDeliver):
    sentence = "Endpoint not found or is inactive"


class NotWaiting(CannotDeliver):
    sentence = "Delivery is not waiting"


class NothingDue(CannotDeliver):
    sentence = "Nothing waits for it"


class NotQuarantined(CannotDeliver):
    sentence = "Email is not quarantined"


class NotReadable(CannotDeliver):
    """There is nothing to deliver."""


def retry(delivery: Delivery, *, again: bool = False) -> None:
    """Make a delivery now, with a new schedule. `again`: also if it has been delivered.

    Raises AlreadyDelivered, InProgress, EndpointUnusable or DeliveryGone.
    """
    _open(delivery.endpoint_id)
    with transaction.atomic():
        state, is_in_hand = _locked(delivery.pk)
        if is_in_hand:
            raise InProgress
        if state == State.DELIVERED and not again:
            raise AlreadyDelivered
        _make_due(Delivery.objects.filter(pk=delivery.pk))
        _record(Action.RETRIED, delivery, before={"state": state})


def try_one(endpoint: Endpoint) -> None:
    """Make the first delivery that waits for an endpoint now, because a person wants to see whether it works again.

    Raises NothingDue, InProgress or EndpointUnusable.
    """
    first = Delivery.objects.live().due().filter(endpoint=endpoint).order_by("retry_at").first()
    if first is None:
        raise NothingDue
    if not endpoint.is_active:
        raise EndpointUnusable("It is switched off. Switch it on first")
    retry(first)


def let_one_through(endpoint: Endpoint) -> None:
    """Have one of the deliveries made that wait behind the gate of an endpoint."""
    with transaction.atomic():
        open_for_one(endpoint.pk)
        record(Entry.of(Action.RETRIED, endpoint, endpoint.owner_id, after={"deliveries": 1}))


def redeliver(endpoint: Endpoint, since: datetime | None = None, most: int = 1000) -> int:
    """Make up to `most` dead deliveries of an endpoint again, oldest first, and return how many.

    `since`: only those that were given up then or later. Raises EndpointUnusable.
    """
    _open(endpoint.pk)
    dead = Delivery.objects.live().filter(endpoint=endpoint, state=State.DEAD)
    if since is not None:
        dead = dead.filter(finished_at__gte=since)
    with transaction.atomic():
        locked = dead.select_for_update(skip_locked=True, of=("self",)).order_by("created_at")
        pks = list(locked.values_list("pk", flat=True)[:most])
        if not pks:
            return 0
        record(Entry.of(Action.RETRIED, endpoint, endpoint.owner_id, after={"deliveries": len(pks)}))
        return _make_due(Delivery.objects.filter(pk__in=pks))


def deliver_to(received: ReceivedEmail, endpoint: Endpoint) -> Delivery:
    """Deliver an email to an endpoint of its owner, whatever was decided about it, and even if the endpoint has had it.

    Raises NotReadable, InProgress or EndpointUnusable.
    """
    if endpoint.owner_id != received.owner_id:
        raise EndpointUnusable
    if received.disposition == Disposition.BLOCKED:
        raise NotReadable("Email was blocked, and its text was not kept")
    if received.message.state != Message.State.INGESTED:
        raise NotReadable("Email has not been read yet")
    _open(endpoint.pk)
    earlier = Delivery.objects.filter(received=received, endpoint=endpoint)
    is_repeated = earlier.exists()
    with transaction.atomic():
        if not create_deliveries(endpoint.pk, [received.pk]):
            raise EndpointUnusable
        routed = ReceivedEmail.objects.filter(pk=received.pk).exclude(disposition=Disposition.ROUTED)
        route = Route(Disposition.ROUTED, Reason.REQUESTED, endpoint=endpoint.pk)
        routed.update(disposition=route.disposition, route=route.as_json())
        delivery = earlier.first()
        if delivery is None:
            raise NotReadable("Email has been deleted")
        record(Entry.of(Action.CHANGED, received, received.owner_id, after={"endpointId": endpoint.pk}))
    # A new one is due already, and a process may have claimed it.
    if is_repeated:
        retry(delivery, again=True)
    return delivery


def release(received: ReceivedEmail) -> Route:
    """Take an email out of quarantine, and deliver it as if SES had found nothing. Raises NotQuarantined."""
    with transaction.atomic():
        quarantined = ReceivedEmail.objects.select_for_update(of=("self",))
        if not quarantined.filter(pk=received.pk, disposition=Disposition.QUARANTINED).exists():
            raise NotQuarantined
        record(Entry.of(Action.RELEASED, received, received.owner_id))
        return route_released(received)


def withdraw(delivery: Delivery, problem: str = "") -> None:
    """Take back a delivery that waits, or settle one that is dead. `problem`: why, for those who read about it.

    Raises InProgress, NotWaiting or DeliveryGone.
    """
    with transaction.atomic():
        state, is_in_hand = _locked(delivery.pk)
        if is_in_hand:
            raise InProgress
        if state not in (State.DUE, State.DEAD):
            raise NotWaiting
        Delivery.objects.filter(pk=delivery.pk).update(
            state=State.WITHDRAWN, retry_at=None, leased_until=None, finished_at=Now(), problem=problem
        )
        _record(Action.WITHDRAWN, delivery, before={"state": state})


def _record(action: Action, delivery: Delivery, before: dict[str, str]) -> None:
    endpoint = delivery.endpoint
    record(Entry.of(action, delivery, endpoint.owner_id, name=f"delivery to {endpoint}", before=before))


def _open(endpoint: str) -> None:
    # Before the delivery is locked: whoever finishes one locks them one after the other as well.
    if not Endpoint.objects.filter(pk=endpoint, is_active=True).exists():
        raise EndpointUnusable
    open_for_one(endpoint)


def _locked(pk: str) -> tuple[str, bool]:
    """The state of a delivery, locked, and whether a process works on it."""
    locked = Delivery.objects.live().select_for_update(of=("self",)).filter(pk=pk)
    row = locked.annotate(is_in_hand=in_hand()).values_list("state", "is_in_hand").first()
    if row is None:
        raise DeliveryGone
    return row[0], bool(row[1])


def _make_due(deliveries: DeliveryQuerySet) -> int:
    # Of a group, only those who have not got it, unless all of it is asked for again.
    members = ForwardRecipient.objects.filter(delivery__in=deliveries)
    asked = members.filter(~Q(state=ForwardRecipient.State.SENT) | Q(delivery__state=State.DELIVERED))
    asked.update(state=ForwardRecipient.State.PENDING, error="")
    # Its age puts it before what waits at the endpoint already.
    return deliveries.update(
        state=State.DUE,
        retry_at=F("created_at"),
        leased_until=None,
        attempts_before=F("attempts"),
        expires_at=Now() + lifetime(),
        finished_at=None,
        problem="",
    )
