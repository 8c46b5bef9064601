"""Endpoints as the API shows them and takes them (docs/api/compatibility.md, "Endpoints")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from endpoints.config_schema import group_emails
from endpoints.models import Endpoint
from endpoints.services import EndpointDeletion
from rest.fields import Boolean, Text, Timestamp
from rest.serializers import Body

DESCRIPTION_LIMIT = 1000


class _Anything(serializers.Field[Any, Any, Any, Any]):
    """Any JSON value: whoever uses it checks it."""

    def to_internal_value(self, data: Any) -> Any:
        return data


class EndpointSerializer(serializers.ModelSerializer[Endpoint]):
    """What every answer about an endpoint has. The config is whole: only its owner gets here."""

    isActive = serializers.BooleanField(source="is_active")
    description = serializers.SerializerMethodField()
    userId = serializers.CharField(source="owner_id")
    createdAt = Timestamp(source="created_at")
    updatedAt = Timestamp(source="updated_at")
    groupEmails = serializers.SerializerMethodField()

    class Meta:
        model = Endpoint
        fields = [
            "id", "name", "type", "config", "isActive", "description", "userId", "createdAt", "updatedAt", "groupEmails",
        ]  # fmt: skip

    def get_description(self, endpoint: Endpoint) -> str | None:
        return endpoint.description or None

    def get_groupEmails(self, endpoint: Endpoint) -> list[str] | None:
        return group_emails(endpoint.type, endpoint.config)


class ListedEndpointSerializer(EndpointSerializer):
    """There is no delivery history yet: statistics count nothing, and `recentDeliveries` below is empty."""

    deliveryStats = serializers.SerializerMethodField()

    class Meta(EndpointSerializer.Meta):
        fields = [*EndpointSerializer.Meta.fields, "deliveryStats"]

    def get_deliveryStats(self, endpoint: Endpoint) -> dict[str, int | None]:
        return {"total": 0, "successful": 0, "failed": 0, "lastDelivery": None}


class UpdatedEndpointSerializer(EndpointSerializer):
    webhookFormat = serializers.CharField(source="webhook_format")

    class Meta(EndpointSerializer.Meta):
        fields = [*EndpointSerializer.Meta.fields, "webhookFormat"]


class CreatedEndpointSerializer(ListedEndpointSerializer):
    webhookFormat = serializers.CharField(source="webhook_format")

    class Meta(ListedEndpointSerializer.Meta):
        fields = [*ListedEndpointSerializer.Meta.fields, "webhookFormat"]


class EndpointDetailSerializer(CreatedEndpointSerializer):
    """With what is routed to it: two more statements."""

    recentDeliveries = serializers.SerializerMethodField()
    associatedEmails = serializers.SerializerMethodField()
    catchAllDomains = serializers.SerializerMethodField()

    class Meta(CreatedEndpointSerializer.Meta):
        fields = [
            *CreatedEndpointSerializer.Meta.fields, "recentDeliveries", "associatedEmails", "catchAllDomains",
        ]  # fmt: skip

    def get_recentDeliveries(self, endpoint: Endpoint) -> list[dict[str, Any]]:
        return []

    def get_associatedEmails(self, endpoint: Endpoint) -> Any:
        rows = endpoint.email_addresses.live().order_by("created_at", "pk")
        return AssociatedEmailSerializer(rows, many=True).data

    def get_catchAllDomains(self, endpoint: Endpoint) -> Any:
        rows = endpoint.catch_all_domains.live().order_by("name")
        return CatchAllDomainSerializer(rows, many=True).data


class AssociatedEmailSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    address = serializers.CharField()
    isActive = serializers.BooleanField(source="is_active")
    createdAt = Timestamp(source="created_at")


class CatchAllDomainSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    domain = serializers.CharField(source="name")
    status = serializers.CharField()


class EndpointDeletionSerializer(serializers.BaseSerializer[EndpointDeletion]):
    """The answer to DELETE, with a `warning` while SES has not followed.

    See docs/api/compatibility.md, "Endpoint deletion".
    """

    def to_representation(self, instance: EndpointDeletion) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "message": "Endpoint deleted successfully",
            "cleanup": {
                "emailAddressesUpdated": len(instance.email_addresses),
                "emailAddresses": instance.email_addresses,
                "domainsUpdated": len(instance.domains),
                "domains": instance.domains,
                "groupEmailsDeleted": instance.group_emails,
                "deliveriesDeleted": 0,
            },
        }
        return answer if instance.warning is None else {**answer, "warning": instance.warning}


class CreateBody(Body):
    answer = CreatedEndpointSerializer
    required_together = ("name", "type", "config")

    name = Text()
    type = _Anything(source="endpoint_type")
    config = _Anything()
    description = Text(required=False, allow_null=True, max_length=DESCRIPTION_LIMIT)

    def to_internal_value(self, data: Any) -> Any:
        # A name of blanks alone would be stored as an empty one.
        if isinstance(data, Mapping) and isinstance(data.get("name"), str) and not data["name"].strip():
            data = {**data, "name": ""}
        values = super().to_internal_value(data)
        if values["endpoint_type"] not in Endpoint.Type.values:
            raise ValidationError({"error": "Invalid endpoint type", "validTypes": Endpoint.Type.values})
        return _with_blank_description(values)


class UpdateBody(Body):
    """All optional. `type` and `webhookFormat` are ignored (docs/api/compatibility.md, "Endpoint updates")."""

    answer = UpdatedEndpointSerializer

    name = Text(required=False)
    description = Text(required=False, allow_null=True, max_length=DESCRIPTION_LIMIT)
    isActive = Boolean(required=False, source="is_active")
    config = _Anything(required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> Any:
        return _with_blank_description(super().to_internal_value(data))


def _with_blank_description(values: dict[str, Any]) -> dict[str, Any]:
    """The model's way to say none is the empty text."""
    return {**values, "description": values["description"] or ""} if "description" in values else values
