"""The wire of domains and DNS records. Output only reads; input only checks shapes.

See docs/api/compatibility.md, "New domains".
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from domains.dns.records import Record
from domains.lifecycle.catch_all import CatchAllChange
from domains.models import DnsRecord, Domain
from rest.fields import Boolean, Text, Timestamp, timestamp
from rest.serializers import Body
from ses_integration.api import RecordedIdentity, mail_from_domain


class DomainBody(Body):
    domain = Text(max_length=1000)

    def to_internal_value(self, data: Any) -> Any:
        if data.get("domain") in (None, ""):
            raise serializers.ValidationError({"domain": "Domain is required"})
        return super().to_internal_value(data)


class CatchAllBody(Body):
    isCatchAllEnabled = Boolean(error_messages={"required": "isCatchAllEnabled is required"})
    catchAllEndpointId = Text(required=False, allow_null=True)


class DomainSerializer(serializers.ModelSerializer[Domain]):
    """A domain as lists and details show it. Needs `known` in the context: identity facts by domain name."""

    domain = serializers.CharField(source="name")
    canReceiveEmails = serializers.BooleanField(source="can_receive_emails")
    hasMxRecords = serializers.BooleanField(source="has_mx_records")
    domainProvider = serializers.SerializerMethodField()
    providerConfidence = serializers.SerializerMethodField()
    lastDnsCheck = Timestamp(source="last_dns_check")
    isCatchAllEnabled = serializers.BooleanField(source="is_catch_all_enabled")
    catchAllEndpointId = serializers.CharField(source="catch_all_endpoint_id")
    createdAt = Timestamp(source="created_at")
    updatedAt = Timestamp(source="updated_at")
    userId = serializers.CharField(source="owner_id")

    class Meta:
        model = Domain
        fields = [
            "id",
            "domain",
            "status",
            "canReceiveEmails",
            "hasMxRecords",
            "domainProvider",
            "providerConfidence",
            "lastDnsCheck",
            "isCatchAllEnabled",
            "catchAllEndpointId",
            "createdAt",
            "updatedAt",
            "userId",
        ]

    def get_domainProvider(self, domain: Domain) -> str | None:
        return domain.dns_provider or None

    def get_providerConfidence(self, domain: Domain) -> str | None:
        return domain.provider_confidence or None

    def to_representation(self, instance: Domain) -> dict[str, Any]:
        shown = super().to_representation(instance)
        known: RecordedIdentity | None = self.context["known"].get(instance.name)
        shown |= _identity(instance, known)
        shown["stats"] = {
            "totalEmailAddresses": instance.total_addresses,  # type: ignore[attr-defined]
            "activeEmailAddresses": instance.active_addresses,  # type: ignore[attr-defined]
        } | self.more_stats(instance)
        shown["catchAllEndpoint"] = catch_all_endpoint(instance)
        return shown

    def more_stats(self, domain: Domain) -> dict[str, Any]:
        # Received mail is not kept yet, so there is none to count.
        return {"emailsLast24h": 0, "emailsLast7d": 0, "emailsLast30d": 0}


class DomainListSerializer(DomainSerializer):
    receiveDmarcEmails = serializers.BooleanField(source="receive_dmarc_emails")

    class Meta(DomainSerializer.Meta):
        fields = [*DomainSerializer.Meta.fields, "receiveDmarcEmails"]

    def more_stats(self, domain: Domain) -> dict[str, Any]:
        return {"hasCatchAll": domain.catch_all_endpoint_id is not None}


def _identity(domain: Domain, known: RecordedIdentity | None) -> dict[str, Any]:
    if known is None:
        return dict.fromkeys(
            ("lastSesCheck", "mailFromDomain", "mailFromDomainStatus", "mailFromDomainVerifiedAt"), None
        )
    return {
        "lastSesCheck": timestamp(known.checked_at) if known.checked_at else None,
        "mailFromDomain": known.mail_from_domain or None,
        "mailFromDomainStatus": known.mail_from_status or None,
        "mailFromDomainVerifiedAt": timestamp(known.mail_from_verified_at) if known.mail_from_verified_at else None,
    }


def catch_all_endpoint(domain: Domain) -> dict[str, Any] | None:
    """May query, unless the endpoint was selected along."""
    endpoint = domain.catch_all_endpoint
    if endpoint is None:
        return None
    return {"id": endpoint.pk, "name": endpoint.name, "type": endpoint.type, "isActive": endpoint.is_active}


def created(
    domain: Domain, records: list[Record], known: RecordedIdentity | None, warning: str | None
) -> dict[str, Any]:
    """The answer to POST /domains (docs/api/compatibility.md, "New domains")."""
    shown: dict[str, Any] = {
        "id": domain.pk,
        "domain": domain.name,
        "status": domain.status,
        "canReceiveEmails": domain.can_receive_emails,
        "hasMxRecords": domain.has_mx_records,
        "domainProvider": domain.dns_provider or None,
        "providerConfidence": domain.provider_confidence or None,
    }
    # Where SES cannot be asked there is no MAIL FROM domain to speak of.
    if records:
        shown["mailFromDomain"] = (known.mail_from_domain if known else "") or mail_from_domain(domain.name)
        shown["mailFromDomainStatus"] = (known.mail_from_status if known else "") or "Pending"
    shown |= {
        "dnsRecords": [
            {
                "type": record.type,
                "name": record.name,
                "value": record.value,
                "description": record.description,
                "isRequired": True,
            }
            for record in records
        ],
        "createdAt": timestamp(domain.created_at),
        "updatedAt": timestamp(domain.updated_at),
    }
    return shown | ({"warning": warning} if warning else {})


class DnsRecordSerializer(serializers.ModelSerializer[DnsRecord]):
    domainId = serializers.CharField(source="domain_id")
    recordType = serializers.CharField(source="record_type")
    priority = serializers.SerializerMethodField()
    isRequired = serializers.BooleanField(source="is_required")
    isVerified = serializers.BooleanField(source="is_verified")
    lastChecked = Timestamp(source="last_checked")
    createdAt = Timestamp(source="created_at")
    updatedAt = serializers.SerializerMethodField()

    class Meta:
        model = DnsRecord
        fields = [
            "id",
            "domainId",
            "recordType",
            "name",
            "value",
            "priority",
            "isRequired",
            "isVerified",
            "lastChecked",
            "createdAt",
            "updatedAt",
        ]

    def get_priority(self, record: DnsRecord) -> None:
        """Always null: it is the first token of an MX record's value (docs/api/compatibility.md, "DNS records")."""

    def get_updatedAt(self, record: DnsRecord) -> str:
        return timestamp(record.last_checked or record.created_at)


def catch_all_changed(change: CatchAllChange) -> dict[str, Any]:
    """The answer to PUT /domains/{id} (docs/api/compatibility.md, "Catch-all")."""
    domain = change.domain
    shown: dict[str, Any] = {
        "id": domain.pk,
        "domain": domain.name,
        "status": domain.status,
        "isCatchAllEnabled": domain.is_catch_all_enabled,
        "catchAllEndpointId": domain.catch_all_endpoint_id,
        "catchAllEndpoint": catch_all_endpoint(domain),
        "receiptRuleName": change.rule_name,
        "updatedAt": timestamp(domain.updated_at),
    }
    return shown | ({"awsConfigurationWarning": change.warning} if change.warning else {})
