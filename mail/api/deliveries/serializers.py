"""Requests and answers about deliveries (docs/api/compatibility.md, "Deliveries")."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import Prefetch
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from endpoints.deliveries import DeliverySerializer
from mail.models import Delivery, DeliveryAttempt, DeliveryQuerySet, EndpointGate, ForwardRecipient
from rest.fields import Boolean, Constant, SchemaOnly, Text, TextOrNull, Timestamp
from rest.schema.parts import PAGINATION
from rest.serializers import Answer, Body, ReadSerializer

BOTH = "Choose either delivery_id or endpoint_id, not both"
NO_TIME = "since must be a time in ISO 8601 with a time zone, such as 2026-11-26T10:30:00Z"
RELEASE_ALONE = "release cannot be combined with delivery_id or endpoint_id"


class _AttemptSerializer(ReadSerializer[DeliveryAttempt]):
    number = serializers.IntegerField()
    at = Timestamp()
    duration = serializers.SerializerMethodField()
    responseCode = serializers.IntegerField(source="status_code", allow_null=True)
    error = TextOrNull()

    def get_duration(self, attempt: DeliveryAttempt) -> int | None:
        return None if attempt.seconds is None else round(attempt.seconds * 1000)


class _RecipientSerializer(ReadSerializer[ForwardRecipient]):
    address = serializers.CharField()
    status = serializers.CharField(source="state")
    sesMessageId = TextOrNull(source="ses_message_id")
    error = TextOrNull()


class LoggedDeliverySerializer(DeliverySerializer):
    """A delivery with its attempts, from `with_log`."""

    endpointId = serializers.CharField(source="endpoint_id")
    problem = TextOrNull()
    nextAttemptAt = serializers.SerializerMethodField()
    attemptLog = _AttemptSerializer(source="log", many=True)
    recipients = _RecipientSerializer(many=True)

    def get_nextAttemptAt(self, delivery: Delivery) -> str | None:
        at = next_attempt(delivery, timezone.now())
        return Timestamp().to_representation(at) if at else None


class SharedDeliverySerializer(LoggedDeliverySerializer):
    """A delivery as those see it with whom the domain is shared: without what tells how the owner's endpoint is configured.

    Problems and answers name hosts and addresses.
    """

    def to_representation(self, instance: Delivery) -> dict[str, Any]:
        shown = super().to_representation(instance)
        log = [{**attempt, "error": None} for attempt in shown["attemptLog"]]
        return {**shown, "responseData": None, "problem": None, "attemptLog": log, "recipients": []}


def with_log(rows: DeliveryQuerySet) -> DeliveryQuerySet:
    """Read what an answer shows of deliveries: with endpoints and gates, attempts and recipients, three statements."""
    attempts = DeliveryAttempt.objects.order_by("number").defer("excerpt")
    recipients = ForwardRecipient.objects.order_by("pk")
    return (
        rows.order_by("-created_at", "-pk")
        .select_related("endpoint__gate")
        .prefetch_related(Prefetch("log", attempts), Prefetch("recipients", recipients))
    )


def next_attempt(delivery: Delivery, now: datetime) -> datetime | None:
    """When the next attempt may begin, `now` if it may already. None if there is none to come, or not before the endpoint is on."""
    if delivery.state != Delivery.State.DUE or not delivery.endpoint.is_active:
        return None
    gate: EndpointGate | None = getattr(delivery.endpoint, "gate", None)
    return max(filter(None, [now, delivery.retry_at, gate.not_before if gate else None]))


class DeliveriesSerializer(serializers.Serializer[Any]):
    """Describes a page of deliveries for schema generators."""

    pagination = SchemaOnly(PAGINATION)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # A serializer has an attribute `data` of its own.
        return {"data": LoggedDeliverySerializer(many=True), **super().get_fields()}


class RetriedSerializer(Answer):
    """The answer to a retry. There is no delivery if a released email is routed nowhere."""

    optional = ("delivery_id",)

    success = Constant(True)
    message = serializers.CharField()
    delivery_id = serializers.CharField()


class RetryBody(Body):
    answer = RetriedSerializer

    delivery_id = Text(required=False, allow_null=True)
    endpoint_id = Text(required=False, allow_null=True)
    release = Boolean(required=False)
    again = Boolean(required=False)

    def validate(self, attrs: Any) -> Any:
        if attrs.get("delivery_id") and attrs.get("endpoint_id"):
            raise ValidationError(BOTH)
        if attrs.get("release") and (attrs.get("delivery_id") or attrs.get("endpoint_id")):
            raise ValidationError(RELEASE_ALONE)
        return attrs


class RedeliveredSerializer(ReadSerializer[Any]):
    """The answer to a redelivery, about a number."""

    queued = serializers.IntegerField(source="*")


class RedeliverBody(Body):
    answer = RedeliveredSerializer
    required_together = ("status",)

    status = Text()
    since = Text(required=False, allow_null=True)

    def validate_status(self, value: str) -> str:
        if value != "failed":
            raise ValidationError("status must be 'failed'")
        return value

    def validate_since(self, value: str | None) -> datetime | None:
        if not value:
            return None
        try:
            return _moment(value)
        except (ValueError, OverflowError) as error:
            raise ValidationError(NO_TIME) from error


def _moment(text: str) -> datetime:
    """The time that an ISO 8601 text with a time zone names. Raises ValueError or OverflowError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.astimezone(UTC)
