"""What has become of an email: the words of the API's `status` (docs/api/compatibility.md, "Deliveries"), and how to find it."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from mail.models import Delivery, DeliveryQuerySet, ReceivedEmail, ReceivedEmailQuerySet

Disposition, State = ReceivedEmail.Disposition, Delivery.State
# By the newest delivery of an email.
_OF_EMAIL = {
    State.DUE: "processing",
    State.DELIVERED: "forwarded",
    State.DEAD: "failed",
    State.WITHDRAWN: Disposition.STORED.value,
}
# Its endpoint has been deleted, with the delivery.
_WITHOUT_DELIVERY = {Disposition.ROUTED: Disposition.STORED}
OUTCOMES = [
    *_OF_EMAIL.values(),
    *(it.value for it in Disposition if it not in (Disposition.ROUTED, Disposition.STORED)),
]


def with_newest_delivery(rows: ReceivedEmailQuerySet) -> ReceivedEmailQuerySet:
    """Read what `outcome` needs."""
    return rows.annotate(newest_delivery=_newest_delivery())


def with_outcome(rows: QuerySet[ReceivedEmail], word: str) -> QuerySet[ReceivedEmail]:
    """Those of which `outcome` says this word."""
    states = [state for state, its_word in _OF_EMAIL.items() if its_word == word]
    dispositions = [it for it in Disposition if _WITHOUT_DELIVERY.get(it, it) == word]
    if word in (_OF_EMAIL[State.DUE], _OF_EMAIL[State.DEAD]):
        # There are few of these, and an index has them. Otherwise the newest delivery of every email would be looked up.
        return rows.filter(pk__in=_newest_of_email(Delivery.objects.filter(state__in=states)).values("received"))
    rows = rows.alias(newest=_newest_delivery())
    return rows.filter(Q(newest__in=states) | Q(newest=None, disposition__in=dispositions))


def outcome(email: Any) -> str:
    """From its newest delivery, and without one from its routing."""
    if email.newest_delivery:
        return _OF_EMAIL[email.newest_delivery]
    return str(_WITHOUT_DELIVERY.get(email.disposition, email.disposition))


def _newest_of_email(rows: DeliveryQuerySet) -> DeliveryQuerySet:
    """Those that are the newest of their emails. Most emails have only one, which an index tells faster than the table."""
    of_email = Delivery.objects.filter(received=OuterRef("received")).order_by()
    number = of_email.values("received").annotate(number=Count("*")).values("number")
    newest = of_email.order_by("-created_at", "-pk").values("pk")[:1]
    return rows.alias(number=Subquery(number)).filter(Q(number=1) | Q(pk=Subquery(newest)))


def _newest_delivery() -> Subquery:
    newest = Delivery.objects.filter(received=OuterRef("pk")).order_by("-created_at", "-pk")
    return Subquery(newest.values("state")[:1])
