"""Requests and answers of endpoints (docs/api/compatibility.md, "Endpoints")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from endpoints import deliveries
from endpoints.config_schema import group_emails
from endpoints.models import Endpoint
from endpoints.redaction import HIDDEN, is_redacted, redacted
from rest.fields import Boolean, Constant, Json, SchemaOnly, Text, TextOrNull, Timestamp, like
from rest.serializers import Answer, Body, ReadModelSerializer, ReadSerializer

DESCRIPTION_LIMIT = 1000
SECRET_LIMIT = 1000


class _AnyJson(serializers.Field[Any, Any, Any, Any]):
    """Any JSON value, validated elsewhere."""

    schema: ClassVar[dict[str, Any]] = {}

    def to_internal_value(self, data: Any) -> Any:
        return data


class EndpointSerializer(Answer, ReadModelSerializer[Endpoint]):
    """Base of all answers about an endpoint. A key without the scope `write` sees no secrets.

    It sees `verificationToken`: the SDK reads it to verify a webhook, and every receiver knows it.
    """

    config = serializers.DictField(read_only=True, source="owners_config")
    signingSecret = TextOrNull(source="signing_secret")
    previousSecretValidUntil = Timestamp(source="previous_secret_valid_until")
    isActive = serializers.BooleanField(source="is_active")
    inactiveReason = TextOrNull(source="inactive_reason")
    description = TextOrNull()
    userId = serializers.CharField(source="owner_id")
    createdAt = Timestamp(source="created_at")
    updatedAt = Timestamp(source="updated_at")
    groupEmails = serializers.SerializerMethodField()

    class Meta:
        model = Endpoint
        fields = [
            "id", "name", "type", "config", "signingSecret", "previousSecretValidUntil", "isActive", "inactiveReason",
            "description", "userId", "createdAt", "updatedAt", "groupEmails",
        ]  # fmt: skip

    def to_representation(self, instance: Endpoint) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if self.context["request"].auth.allows("write"):
            return shown
        token = {key: value for key, value in instance.config.items() if key == "verificationToken"}
        secret = shown["signingSecret"] and HIDDEN
        return {**shown, "config": {**redacted(shown["config"]), **token}, "signingSecret": secret}

    def get_groupEmails(self, endpoint: Endpoint) -> list[str] | None:
        return group_emails(endpoint.type, endpoint.config)


class ListedEndpointSerializer(EndpointSerializer):
    """An endpoint with statistics. The context has `stats` by id. Without it, the endpoint is new."""

    deliveryStats = SchemaOnly(deliveries.STATS)

    class Meta(EndpointSerializer.Meta):
        fields = [*EndpointSerializer.Meta.fields, "deliveryStats"]

    def to_representation(self, instance: Endpoint) -> dict[str, Any]:
        numbers = self.context.get("stats", {}).get(instance.pk, {})
        return {**super().to_representation(instance), "deliveryStats": deliveries.shown_stats(numbers)}


class UpdatedEndpointSerializer(EndpointSerializer):
    webhookFormat = serializers.CharField(source="webhook_format")
    warning = serializers.CharField()

    class Meta(EndpointSerializer.Meta):
        fields = [*EndpointSerializer.Meta.fields, "webhookFormat", "warning"]


class CreatedEndpointSerializer(ListedEndpointSerializer):
    webhookFormat = serializers.CharField(source="webhook_format")
    warning = serializers.CharField()

    class Meta(ListedEndpointSerializer.Meta):
        fields = [*ListedEndpointSerializer.Meta.fields, "webhookFormat", "warning"]


class AssociatedEmailSerializer(ReadSerializer[Any]):
    id = serializers.CharField()
    address = serializers.CharField()
    isActive = serializers.BooleanField(source="is_active")
    createdAt = Timestamp(source="created_at")


class CatchAllDomainSerializer(ReadSerializer[Any]):
    id = serializers.CharField()
    domain = serializers.CharField(source="name")
    status = serializers.CharField()


class EndpointDetailSerializer(CreatedEndpointSerializer):
    """An endpoint with the addresses and domains that are routed to it, and the newest deliveries. Three more statements."""

    recentDeliveries = serializers.SerializerMethodField()
    associatedEmails = serializers.SerializerMethodField()
    catchAllDomains = serializers.SerializerMethodField()

    class Meta(CreatedEndpointSerializer.Meta):
        fields = [
            *CreatedEndpointSerializer.Meta.fields, "recentDeliveries", "associatedEmails", "catchAllDomains",
        ]  # fmt: skip

    @extend_schema_field(deliveries.DeliverySerializer(many=True))
    def get_recentDeliveries(self, endpoint: Endpoint) -> Any:
        return deliveries.recent_deliveries(endpoint)

    @extend_schema_field(AssociatedEmailSerializer(many=True))
    def get_associatedEmails(self, endpoint: Endpoint) -> Any:
        rows = endpoint.email_addresses.live().order_by("created_at", "pk")
        return AssociatedEmailSerializer(rows, many=True).data

    @extend_schema_field(CatchAllDomainSerializer(many=True))
    def get_catchAllDomains(self, endpoint: Endpoint) -> Any:
        rows = endpoint.catch_all_domains.live().order_by("name")
        return CatchAllDomainSerializer(rows, many=True).data


class RotatedSecretSerializer(Answer):
    """The answer to `rotate-secret`."""

    signingSecret = serializers.CharField(source="signing_secret")
    previousSecretValidUntil = Timestamp(source="previous_secret_valid_until")
    warning = serializers.CharField()


class _Length(serializers.Field[Any, Any, Any, Any]):
    schema: ClassVar[dict[str, Any]] = {"type": "integer"}

    def to_representation(self, value: Any) -> int:
        return len(value)


class EndpointCleanupSerializer(ReadSerializer[Any]):
    emailAddressesUpdated = _Length(source="email_addresses")
    emailAddresses = Json(like(["hello@example.org"]), source="email_addresses")
    domainsUpdated = _Length(source="domains")
    domains = Json(like(["example.org"]))
    groupEmailsDeleted = serializers.IntegerField(source="group_emails")
    deliveriesDeleted = serializers.IntegerField(source="deliveries")


class EndpointDeletionSerializer(Answer):
    """The answer to DELETE (docs/api/compatibility.md, "Endpoint deletion")."""

    message = Constant("Endpoint deleted successfully")
    cleanup = EndpointCleanupSerializer(source="*")
    warning = serializers.CharField()


class CreateBody(Body):
    answer = CreatedEndpointSerializer
    required_together = ("name", "type", "config")

    name = Text()
    type = _AnyJson(source="endpoint_type")
    config = _AnyJson()
    description = Text(required=False, allow_null=True, max_length=DESCRIPTION_LIMIT)

    def to_internal_value(self, data: Any) -> Any:
        # A whitespace-only name would be stored as an empty one.
        if isinstance(data, Mapping) and isinstance(data.get("name"), str) and not data["name"].strip():
            data = {**data, "name": ""}
        values = super().to_internal_value(data)
        if values["endpoint_type"] not in Endpoint.Type.values:
            raise ValidationError({"error": "Invalid endpoint type", "validTypes": Endpoint.Type.values})
        return _with_blank_description(values)


class UpdateBody(Body):
    """`type` and `webhookFormat` are ignored (docs/api/compatibility.md, "Endpoint updates")."""

    answer = UpdatedEndpointSerializer

    name = Text(required=False)
    description = Text(required=False, allow_null=True, max_length=DESCRIPTION_LIMIT)
    isActive = Boolean(required=False, source="is_active")
    config = _AnyJson(required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> Any:
        return _with_blank_description(super().to_internal_value(data))


class RotateSecretBody(Body):
    answer = RotatedSecretSerializer

    secret = Text(required=False, allow_null=True, max_length=SECRET_LIMIT)

    def validate_secret(self, value: str | None) -> str:
        if is_redacted(value):
            raise ValidationError(f"{HIDDEN} stands for a hidden value.")
        return value or ""


def _with_blank_description(values: dict[str, Any]) -> dict[str, Any]:
    """Replace a null description with an empty string, as the model stores it."""
    return {**values, "description": values["description"] or ""} if "description" in values else values
