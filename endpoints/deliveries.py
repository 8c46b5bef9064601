"""What answers say of deliveries, which the app above makes (docs/api/compatibility.md, "Deliveries").

They are reached through `Endpoint.deliveries`. `mail.api.deliveries` uses the same words and extends the same answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.db.models import Count, Max, Q
from rest_framework import serializers

from endpoints.models import Endpoint
from rest.fields import OrNull, Timestamp, like, timestamp_or_none
from rest.serializers import ReadSerializer

RECENT = 10
# The API's word for each state of a delivery.
STATUSES = {"due": "pending", "delivered": "success", "dead": "failed", "withdrawn": "failed"}


def states_of(status: str) -> list[str]:
    """The states that the API calls by this word."""
    return [state for state, word in STATUSES.items() if word == status]


def numbers(prefix: str = "") -> dict[str, Any]:
    """What `deliveryStats` counts. `prefix`: how a query reaches the deliveries."""
    state = f"{prefix}state__in"
    counted = f"{prefix}pk"
    return {
        "total": Count(counted),
        "successful": Count(counted, filter=Q(**{state: states_of("success")})),
        "failed": Count(counted, filter=Q(**{state: states_of("failed")})),
        "last": Max(f"{prefix}last_attempt_at"),
    }


STATS = like({"total": 3, "successful": 2, "failed": 1, "lastDelivery": OrNull("2026-11-26T10:30:00.000Z")})


def shown_stats(found: Mapping[str, Any]) -> dict[str, Any]:
    """`deliveryStats`, from the `numbers` of a query. Without any, there are no deliveries."""
    counts = {name: found.get(name, 0) for name in ("total", "successful", "failed")}
    return {**counts, "lastDelivery": timestamp_or_none(found.get("last"))}


def stats_by_endpoint(endpoints: Sequence[Endpoint]) -> dict[str, dict[str, Any]]:
    """The numbers of some endpoints, by id. One statement, which reads one index."""
    chosen = Endpoint.objects.filter(pk__in=[endpoint.pk for endpoint in endpoints])
    rows: Any = chosen.order_by().values("pk").annotate(**numbers("deliveries__"))
    return {row["pk"]: row for row in rows}


class _Status(serializers.CharField):
    schema: ClassVar[dict[str, Any]] = {"type": "string", "enum": [*dict.fromkeys(STATUSES.values())]}

    def to_representation(self, value: Any) -> str:
        return STATUSES[value]


class _DeliveryType(serializers.Field[Any, Any, Any, Any]):
    schema: ClassVar[dict[str, Any]] = {"type": "string", "enum": ["webhook", "email_forward"]}

    def to_representation(self, value: Any) -> str:
        return "webhook" if value == Endpoint.Type.WEBHOOK else "email_forward"


class _ResponseData(serializers.Field[Any, Any, Any, Any]):
    """What came of the last attempt. Null before the first."""

    schema: ClassVar[dict[str, Any]] = {"type": "object", "nullable": True}

    def to_representation(self, value: Any) -> Any:
        return value or None


class DeliverySerializer(ReadSerializer[Any]):
    """A member of `recentDeliveries`, about a delivery with its endpoint."""

    id = serializers.CharField()
    emailId = serializers.CharField(source="received_id")
    deliveryType = _DeliveryType(source="endpoint.type")
    status = _Status(source="state")
    attempts = serializers.IntegerField()
    lastAttemptAt = Timestamp(source="last_attempt_at")
    responseData = _ResponseData(source="response")
    createdAt = Timestamp(source="created_at")


def recent_deliveries(endpoint: Endpoint) -> Any:
    """The newest ones. One statement."""
    deliveries: Any = endpoint.deliveries
    return DeliverySerializer(deliveries.live().order_by("-created_at", "-pk")[:RECENT], many=True).data
