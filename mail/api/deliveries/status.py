"""The words of the API for what becomes of emails and deliveries (docs/api/compatibility.md, "Deliveries")."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import OuterRef, Q, Subquery
from rest_framework import serializers

from endpoints.deliveries import numbers, shown_stats
from mail.models import Delivery, ReceivedEmail, ReceivedEmailQuerySet

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
STATUSES = [
    *_OF_EMAIL.values(),
    *(it.value for it in Disposition if it not in (Disposition.ROUTED, Disposition.STORED)),
]


def with_newest_delivery(rows: ReceivedEmailQuerySet) -> ReceivedEmailQuerySet:
    """Read what `EmailStatus` needs."""
    return rows.annotate(newest_delivery=_newest_delivery())


def _newest_delivery() -> Subquery:
    newest = Delivery.objects.filter(received=OuterRef("pk")).order_by("-created_at", "-pk")
    return Subquery(newest.values("state")[:1])


def with_status(rows: ReceivedEmailQuerySet, status: str) -> ReceivedEmailQuerySet:
    """Those that `EmailStatus` shows with this word."""
    states = [state for state, word in _OF_EMAIL.items() if word == status]
    dispositions = [it for it in Disposition if _WITHOUT_DELIVERY.get(it, it) == status]
    rows = rows.alias(newest=_newest_delivery())
    return rows.filter(Q(newest__in=states) | Q(newest=None, disposition__in=dispositions))


def stats_of_email(email: ReceivedEmail) -> Any:
    """How many deliveries an email has. One statement."""
    return shown_stats(email.deliveries.aggregate(**numbers()))


class EmailStatus(serializers.Field[Any, Any, Any, Any]):
    """What has become of an email, from its newest delivery, and without one from its routing."""

    schema: ClassVar[dict[str, Any]] = {"type": "string", "enum": STATUSES}

    def __init__(self) -> None:
        super().__init__(read_only=True, source="*")

    def to_representation(self, value: Any) -> str:
        if value.newest_delivery:
            return _OF_EMAIL[value.newest_delivery]
        return str(_WITHOUT_DELIVERY.get(value.disposition, value.disposition))


class EmailRoute(serializers.Field[Any, Any, Any, Any]):
    """Where an email was routed to, and why. Null before that."""

    schema: ClassVar[dict[str, Any]] = {"type": "object", "nullable": True}

    def __init__(self) -> None:
        super().__init__(read_only=True)

    def to_representation(self, value: Any) -> Any:
        return value or None
