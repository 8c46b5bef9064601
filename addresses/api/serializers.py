"""Requests and answers of email addresses and blocked emails (docs/api/compatibility.md, "Email addresses")."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from addresses.models import BlockedEmail, EmailAddress
from domains.deletion_plan import shapes
from domains.names import normalise_address
from rest.access.roles import Deed, may, role_from
from rest.fields import (
    Boolean,
    Constant,
    Json,
    Optional,
    OrNull,
    SchemaOnly,
    Text,
    TextOrNull,
    Timestamp,
    like,
    timestamp,
)
from rest.serializers import Answer, Body, ReadModelSerializer, ReadSerializer

ROUTING = like(
    {
        "type": "endpoint",
        "id": OrNull("dC7pQ2xVb9sKfJ0aLmN4e"),
        "name": OrNull("CRM"),
        "config": Optional({}),
        "isActive": True,
    }
)
TIME = {"type": "string", "format": "date-time"}
NO_ROUTE = {"type": "none", "id": None, "name": None, "isActive": False}


class EmailAddressSerializer(ReadModelSerializer[EmailAddress]):
    """An address. The rows need `with_rule_name()` and, to save statements, `select_related("domain", "endpoint")`."""

    domainId = serializers.CharField(source="domain_id")
    # There are no legacy webhooks (docs/api/compatibility.md, "Webhook ids").
    webhookId = Constant(None)
    endpointId = TextOrNull(source="endpoint_id")
    isActive = serializers.BooleanField(source="is_active")
    isReceiptRuleConfigured = serializers.SerializerMethodField()
    receiptRuleName = TextOrNull(source="receipt_rule_name")
    createdAt = Timestamp(source="created_at")
    updatedAt = Timestamp(source="updated_at")
    userId = serializers.CharField(source="domain.owner_id")
    domain = serializers.SerializerMethodField()
    routing = serializers.SerializerMethodField()

    class Meta:
        model = EmailAddress
        fields = [
            "id",
            "address",
            "domainId",
            "webhookId",
            "endpointId",
            "isActive",
            "isReceiptRuleConfigured",
            "receiptRuleName",
            "createdAt",
            "updatedAt",
            "userId",
            "domain",
            "routing",
        ]

    def to_representation(self, instance: EmailAddress) -> dict[str, Any]:
        """Those with whom the domain is shared do not see how its owner's endpoints are configured."""
        shown = super().to_representation(instance)
        role = role_from(instance.domain.owner_id, self.context["request"].user.pk)
        if not may(role, Deed.SEE_PRIVATE) and "config" in shown["routing"]:
            shown["routing"] = {name: value for name, value in shown["routing"].items() if name != "config"}
        return shown

    def get_isReceiptRuleConfigured(self, address: EmailAddress) -> bool:
        return address.receipt_rule_name is not None

    @extend_schema_field(like({"id": "indm_V1StGXR8Z5jdHi6BmyTkq", "name": "example.org", "status": "verified"}))
    def get_domain(self, address: EmailAddress) -> dict[str, str]:
        domain = address.domain
        return {"id": domain.pk, "name": domain.name, "status": domain.status}

    @extend_schema_field(ROUTING)
    def get_routing(self, address: EmailAddress) -> dict[str, Any]:
        endpoint = address.endpoint
        if endpoint is None:
            return NO_ROUTE
        return {
            "type": "endpoint",
            "id": endpoint.pk,
            "name": endpoint.name,
            "config": endpoint.public_config,
            "isActive": endpoint.is_active,
        }


class AddressChangeSerializer(EmailAddressSerializer):
    """The answer to creating and updating an address: an AddressChange."""

    warning = SchemaOnly("string", optional=True)

    class Meta(EmailAddressSerializer.Meta):
        fields = [*EmailAddressSerializer.Meta.fields, "warning"]

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown = super().to_representation(instance.address)
        return {**shown, "warning": instance.warning} if instance.warning else shown


class CleanupSerializer(Answer):
    """What SES has confirmed about a deleted address."""

    sesRuleUpdated = serializers.BooleanField(source="removed_from_ses")
    emailAddress = serializers.CharField(source="address")
    domain = serializers.CharField()
    warning = serializers.CharField()
    restorableUntil = Timestamp(source="restorable_until")

    optional = ("warning", "restorableUntil")


class AddressDeletionSerializer(ReadSerializer[Any]):
    """The answer to DELETE (docs/api/compatibility.md, "Address deletion")."""

    message = Constant("Email address deleted successfully")
    cleanup = CleanupSerializer(source="*")


class AddressPlanSerializer(serializers.Serializer[dict[str, Any]]):
    """The values of an address's plan (docs/api/plans.md)."""

    emailAddress = Json(like({"id": "Xn5Jv2c8RkTqLw0sBdYgA", "address": "hello@example.org", "isActive": True}))
    token = serializers.CharField()
    isCertain = serializers.BooleanField()
    receiptRules = Json(shapes.RULES)
    sesCalls = Json(shapes.CALLS)
    sesConfirmedAt = Timestamp()
    sesProblems = Json(shapes.SENTENCES)
    restorableUntil = SchemaOnly(TIME, optional=True)
    stays = Json(shapes.STAYS_OF_ADDRESS)

    def to_representation(self, instance: dict[str, Any]) -> dict[str, Any]:
        until = instance.get("restorableUntil")
        return super().to_representation(instance) | ({"restorableUntil": timestamp(until)} if until else {})


class CreateAddressBody(Body):
    answer = AddressChangeSerializer
    required_together = ("address", "domainId")

    address = Text(max_length=1000)
    domainId = Text(source="domain_id")
    endpointId = Text(required=False, allow_null=True, source="endpoint_id")
    webhookId = Text(required=False, allow_null=True, source="webhook_id")
    isActive = Boolean(required=False, default=True, source="is_active")

    def validate(self, attrs: Any) -> Any:
        attrs["address"] = _normalised(attrs["address"], "Invalid email address format")
        if attrs.get("endpoint_id"):
            # The endpoint wins (docs/api/compatibility.md, "New addresses").
            attrs.pop("webhook_id", None)
        return attrs


class UpdateAddressBody(Body):
    answer = AddressChangeSerializer

    endpointId = Text(required=False, allow_null=True, source="endpoint_id")
    webhookId = Text(required=False, allow_null=True, source="webhook_id")
    isActive = Boolean(required=False, source="is_active")

    def validate(self, attrs: Any) -> Any:
        if attrs.get("endpoint_id") and attrs.get("webhook_id"):
            raise ValidationError("Cannot specify both endpoint and webhook")
        return attrs


class BlockedEmailSerializer(ReadModelSerializer[BlockedEmail]):
    emailAddress = serializers.CharField(source="email_address")
    domain = serializers.CharField(source="domain.name")
    domainId = serializers.CharField(source="domain_id")
    reason = TextOrNull()
    # Null if the account is gone.
    blockedBy = serializers.CharField(source="blocked_by_id", allow_null=True)
    createdAt = Timestamp(source="created_at")

    class Meta:
        model = BlockedEmail
        fields = ["id", "emailAddress", "domain", "domainId", "reason", "blockedBy", "createdAt"]


class UnblockedSerializer(ReadSerializer[Any]):
    success = Constant(True)
    message = serializers.SerializerMethodField()

    def get_message(self, blocked: BlockedEmail) -> str:
        return f"Successfully unblocked {blocked.email_address}"


class BlockBody(Body):
    answer = BlockedEmailSerializer
    required_together = ("emailAddress",)

    emailAddress = Text(max_length=1000, source="address")
    reason = Text(required=False, allow_null=True, max_length=500)

    def validate(self, attrs: Any) -> Any:
        address = _normalised(attrs["address"], "Invalid email format")
        return {"address": address, "reason": attrs.get("reason") or ""}


def _normalised(address: str, error: str) -> str:
    try:
        return normalise_address(address)
    except ValueError as cause:
        raise ValidationError(error) from cause
