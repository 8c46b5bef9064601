"""The wire of addresses and blocked emails (docs/api/compatibility.md, "Email addresses")."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from addresses.deletion import AddressDeletion
from addresses.models import BlockedEmail, EmailAddress
from addresses.services import AddressChange
from rest.fields import Body, Boolean, Text, Timestamp

NO_ROUTE = {"type": "none", "id": None, "name": None, "isActive": False}


class CreateAddressBody(Body):
    required_together = ("address", "domainId")

    address = Text(max_length=1000)
    domainId = Text()
    endpointId = Text(required=False, allow_null=True)
    webhookId = Text(required=False, allow_null=True)
    isActive = Boolean(required=False, default=True)


class UpdateAddressBody(Body):
    endpointId = Text(required=False, allow_null=True)
    webhookId = Text(required=False, allow_null=True)
    isActive = Boolean(required=False)


class EmailAddressSerializer(serializers.ModelSerializer[EmailAddress]):
    """Needs a queryset `with_rule_name()`, domain and endpoint selected along."""

    domainId = serializers.CharField(source="domain_id")
    webhookId = serializers.SerializerMethodField()
    endpointId = serializers.CharField(source="endpoint_id")
    isActive = serializers.BooleanField(source="is_active")
    isReceiptRuleConfigured = serializers.SerializerMethodField()
    receiptRuleName = serializers.CharField(source="receipt_rule_name")
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

    def get_webhookId(self, address: EmailAddress) -> None:
        """Always null: there are no legacy webhooks (docs/api/compatibility.md, "Webhook ids")."""

    def get_isReceiptRuleConfigured(self, address: EmailAddress) -> bool:
        return address.receipt_rule_name is not None

    def get_domain(self, address: EmailAddress) -> dict[str, str]:
        domain = address.domain
        return {"id": domain.pk, "name": domain.name, "status": domain.status}

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


def changed(change: AddressChange) -> dict[str, Any]:
    shown = EmailAddressSerializer(change.address).data
    return {**shown, **({"warning": change.warning} if change.warning else {})}


def deleted(deletion: AddressDeletion) -> dict[str, Any]:
    """The answer to DELETE /email-addresses/{id} (docs/api/compatibility.md, "Address deletion")."""
    cleanup: dict[str, Any] = {
        "sesRuleUpdated": deletion.removed_from_ses,
        "emailAddress": deletion.address,
        "domain": deletion.domain,
    }
    if deletion.warning:
        cleanup["warning"] = deletion.warning
    return {"message": "Email address deleted successfully", "cleanup": cleanup}


class BlockBody(Body):
    required_together = ("emailAddress",)

    emailAddress = Text(max_length=1000)
    reason = Text(required=False, allow_null=True, max_length=500)


class BlockedEmailSerializer(serializers.ModelSerializer[BlockedEmail]):
    emailAddress = serializers.CharField(source="email_address")
    domain = serializers.CharField(source="domain.name")
    domainId = serializers.CharField(source="domain_id")
    reason = serializers.SerializerMethodField()
    blockedBy = serializers.CharField(source="blocked_by_id")
    createdAt = Timestamp(source="created_at")

    class Meta:
        model = BlockedEmail
        fields = ["id", "emailAddress", "domain", "domainId", "reason", "blockedBy", "createdAt"]

    def get_reason(self, blocked: BlockedEmail) -> str | None:
        return blocked.reason or None
