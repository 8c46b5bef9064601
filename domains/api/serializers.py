"""Requests and answers of domains (docs/api/calls.md)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from domains.lifecycle.register import AddedDomain
from domains.models import Domain
from domains.names import normalise_domain
from rest.access.rows import given_role
from rest.fields import Boolean, Constant, Optional, OrNull, SchemaOnly, Text, TextOrNull, Timestamp, like
from rest.serializers import Answer, Body, ReadModelSerializer, ReadSerializer

# Fields of a domain, in the order of the answer.
COLUMNS = [
    "id", "domain", "status", "canReceiveEmails", "hasMxRecords", "domainProvider", "providerConfidence",
    "lastDnsCheck", "isCatchAllEnabled", "catchAllEndpointId", "createdAt", "updatedAt", "userId", "statusReason", "nextCheck",
]  # fmt: skip
DERIVED = [
    "lastSesCheck", "mailFromDomain", "mailFromDomainStatus", "mailFromDomainVerifiedAt", "stats",
    "catchAllEndpoint", "receivingWarning", "role", "verificationCheck",
]  # fmt: skip


MOMENT = "2026-11-26T10:30:00.000Z"
RECORD = {"type": "TXT", "name": "_amazonses.example.org", "value": "…"}
SPF = {"name": "example.org", "value": "v=spf1 include:amazonses.com ~all", "description": "SPF record"}
DMARC = {"name": "_dmarc.example.org", "value": "v=DMARC1; p=none", "description": "DMARC policy record"}
# What SES has. Only in the check of one domain.
IN_SES = {
    "dkimVerified": Optional(True),
    "mailFromVerified": Optional(True),
    "dkimStatus": Optional("Success"),
    "dkimTokens": Optional(["abc"]),
    "mailFromStatus": Optional("Success"),
    "mailFromDomain": Optional("mail.example.org"),
    "mailFromError": Optional("mail.example.org is a domain."),
}
CHECKED = {
    **RECORD,
    "isVerified": True,
    "error": Optional("Nothing is published."),
    "status": "verified",
    "lastChecked": OrNull(MOMENT),
}
CHECK = like(
    {"dnsRecords": [CHECKED], "sesStatus": "Success", "isFullyVerified": True, "lastChecked": MOMENT, **IN_SES}
)


class CatchAllEndpointSerializer(ReadSerializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    type = serializers.CharField()
    isActive = serializers.BooleanField(source="is_active")


class IdentitySerializer(ReadSerializer[Any]):
    """What SES last said about a domain's identity."""

    lastSesCheck = Timestamp(source="checked_at")
    mailFromDomain = TextOrNull(source="mail_from_domain")
    mailFromDomainStatus = TextOrNull(source="mail_from_status")
    mailFromDomainVerifiedAt = Timestamp(source="mail_from_verified_at")


class _Stats(ReadSerializer[Any]):
    totalEmailAddresses = serializers.IntegerField(source="address_count")
    activeEmailAddresses = serializers.IntegerField(source="active_address_count")


class StatsSerializer(_Stats):
    """Counts of addresses and of received mail (docs/api/compatibility.md, "Domain statistics")."""

    emailsLast24h = SchemaOnly("integer")
    emailsLast7d = SchemaOnly("integer")
    emailsLast30d = SchemaOnly("integer")


def received_counts(domain: Domain) -> dict[str, int]:
    """The mail of a domain in the last days, for its statistics. Two statements."""
    days = {"emailsLast24h": 1, "emailsLast7d": 7, "emailsLast30d": 30}
    now = timezone.now()
    since = [now - timedelta(days=number) for number in days.values()]
    # Reverse accessors of mail, an app above this one.
    whole = domain.mail_counts.since(*since)
    rest = domain.received_emails.before_full_hour(*since)
    return dict(zip(days, map(sum, zip(whole, rest, strict=True)), strict=True))


class ListedStatsSerializer(_Stats):
    hasCatchAll = serializers.SerializerMethodField()

    def get_hasCatchAll(self, domain: Domain) -> bool:
        return domain.catch_all_endpoint_id is not None


class DomainSerializer(ReadModelSerializer[Domain]):
    """A domain with its counts. The context has `identities`, `checks` and `taken` by name, and `received` of a single one."""

    domain = serializers.CharField(source="name")
    canReceiveEmails = serializers.BooleanField(source="can_receive_emails")
    hasMxRecords = serializers.BooleanField(source="has_mx_records")
    domainProvider = TextOrNull(source="dns_provider")
    providerConfidence = TextOrNull(source="provider_confidence")
    lastDnsCheck = Timestamp(source="last_dns_check")
    isCatchAllEnabled = serializers.BooleanField(source="is_catch_all_enabled")
    catchAllEndpointId = TextOrNull(source="catch_all_endpoint_id")
    createdAt = Timestamp(source="created_at")
    updatedAt = Timestamp(source="updated_at")
    userId = serializers.CharField(source="owner_id")
    # Not in the contract.
    statusReason = TextOrNull(source="status_reason")
    nextCheck = Timestamp(source="next_check")
    # Null as long as SES has no identity.
    lastSesCheck = Constant(None)
    mailFromDomain = Constant(None)
    mailFromDomainStatus = Constant(None)
    mailFromDomainVerifiedAt = Constant(None)
    stats: serializers.Serializer[Any] = StatsSerializer(source="*")
    catchAllEndpoint = CatchAllEndpointSerializer(source="catch_all_endpoint", allow_null=True)
    receivingWarning = SchemaOnly("string", nullable=True)
    # Only of domains of others.
    role = SchemaOnly({"type": "string", "enum": ["viewer", "manager"]}, optional=True)
    verificationCheck = SchemaOnly(CHECK, optional=True)
    authRecommendations = SchemaOnly(like({"spf": SPF, "dmarc": DMARC}), optional=True)

    class Meta:
        model = Domain
        fields = [*COLUMNS, *DERIVED, "authRecommendations"]

    def to_representation(self, instance: Domain) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if known := self.context["identities"].get(instance.name):
            shown |= IdentitySerializer(known).data
        if role := given_role(instance):
            shown["role"] = role
        shown["receivingWarning"] = self.context["taken"].get(instance.name)
        shown |= self.context["checks"].get(instance.name, {})
        shown["stats"] |= self.context["received"]
        return shown


class ListedDomainSerializer(DomainSerializer):
    receiveDmarcEmails = serializers.BooleanField(source="receive_dmarc_emails")
    stats = ListedStatsSerializer(source="*")

    class Meta(DomainSerializer.Meta):
        fields = [*COLUMNS, "receiveDmarcEmails", *DERIVED]


BREAKDOWN = {"verified": 1, "pending": 0, "failed": 0}


class DomainPageSerializer(serializers.Serializer[Any]):
    """What the answer to GET /domains has in addition to the page."""

    meta = SchemaOnly(like({"totalCount": 1, "verifiedCount": 1, "withCatchAllCount": 0, "statusBreakdown": BREAKDOWN}))


class RecordToPublishSerializer(ReadSerializer[Any]):
    type = serializers.CharField()
    name = serializers.CharField()
    value = serializers.CharField()
    description = serializers.CharField()
    isRequired = serializers.BooleanField(source="is_required")


class NewDomainSerializer(ReadSerializer[Any]):
    """The answer to POST /domains (docs/api/compatibility.md, "New domains")."""

    id = serializers.CharField(source="domain.pk")
    domain = serializers.CharField(source="domain.name")
    status = serializers.CharField(source="domain.status")
    canReceiveEmails = serializers.BooleanField(source="domain.can_receive_emails")
    hasMxRecords = serializers.BooleanField(source="domain.has_mx_records")
    domainProvider = TextOrNull(source="domain.dns_provider")
    providerConfidence = TextOrNull(source="domain.provider_confidence")
    mailFromDomain = Constant(None, optional=True)
    mailFromDomainStatus = Constant(None, optional=True)
    dnsRecords = RecordToPublishSerializer(source="records", many=True)
    createdAt = Timestamp(source="domain.created_at")
    updatedAt = Timestamp(source="domain.updated_at")
    warning = SchemaOnly("string", optional=True)

    def to_representation(self, instance: AddedDomain) -> dict[str, Any]:
        shown = super().to_representation(instance)
        known = instance.identity
        if known and known.mail_from_domain:
            shown["mailFromDomain"] = known.mail_from_domain
            shown["mailFromDomainStatus"] = known.mail_from_status or "Pending"
        if not instance.records:
            # Without AWS configuration there is no MAIL FROM domain.
            del shown["mailFromDomain"], shown["mailFromDomainStatus"]
        return {**shown, "warning": instance.warning} if instance.warning else shown


class DomainBody(Body):
    answer = NewDomainSerializer

    domain = Text(max_length=1000, source="name")
    # Instead of restoring a domain of this name.
    startAfresh = Boolean(required=False, source="start_afresh")

    def to_internal_value(self, data: Any) -> Any:
        if data.get("domain") in (None, ""):
            raise ValidationError({"domain": "Domain is required"})
        return super().to_internal_value(data)

    def validate(self, attrs: Any) -> Any:
        try:
            return attrs | {"name": normalise_domain(attrs["name"])}
        except ValueError as error:
            raise ValidationError("Invalid domain format") from error


class CatchAllChangeSerializer(Answer):
    """The answer to PUT /domains/{id} (docs/api/compatibility.md, "Catch-all")."""

    optional = ("awsConfigurationWarning",)

    id = serializers.CharField(source="domain.pk")
    domain = serializers.CharField(source="domain.name")
    status = serializers.CharField(source="domain.status")
    isCatchAllEnabled = serializers.BooleanField(source="domain.is_catch_all_enabled")
    catchAllEndpointId = TextOrNull(source="domain.catch_all_endpoint_id")
    catchAllEndpoint = CatchAllEndpointSerializer(source="domain.catch_all_endpoint", allow_null=True)
    receiptRuleName = TextOrNull(source="rule_name")
    updatedAt = Timestamp(source="domain.updated_at")
    awsConfigurationWarning = serializers.CharField(source="warning")


class CatchAllBody(Body):
    answer = CatchAllChangeSerializer

    isCatchAllEnabled = Boolean(source="enabled", error_messages={"required": "isCatchAllEnabled is required"})
    catchAllEndpointId = Text(required=False, allow_null=True, source="endpoint_id")
