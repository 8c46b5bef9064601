"""Answers about DNS records and the history of a domain's status (docs/api/calls.md)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from domains.models import DnsRecord, Domain, StatusChange
from rest.fields import Constant, Timestamp, timestamp
from rest.serializers import ReadModelSerializer, ReadSerializer

# Enough for a year of daily changes.
STATUS_CHANGES = 400


class DnsRecordSerializer(ReadModelSerializer[DnsRecord]):
    domainId = serializers.CharField(source="domain_id")
    recordType = serializers.CharField(source="record_type")
    # The priority is the first word of an MX record's value (docs/api/compatibility.md, "DNS records").
    priority = Constant(None)
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

    def get_updatedAt(self, record: DnsRecord) -> str:
        return timestamp(record.last_checked or record.created_at)


class RecordsOfDomainSerializer(ReadSerializer[Any]):
    """The answer to GET /domains/{id}/dns-records."""

    domainId = serializers.CharField(source="pk")
    domain = serializers.CharField(source="name")
    records = serializers.SerializerMethodField()

    @extend_schema_field(DnsRecordSerializer(many=True))
    def get_records(self, domain: Domain) -> Any:
        return DnsRecordSerializer(domain.dns_records.order_by("record_type", "name", "id"), many=True).data


class StatusChangeSerializer(ReadModelSerializer[StatusChange]):
    class Meta:
        model = StatusChange
        fields = ["before", "after", "reason", "at"]

    at = Timestamp()


class StatusHistorySerializer(ReadSerializer[Any]):
    """The answer to GET /domains/{id}/status-history, newest first."""

    domainId = serializers.CharField(source="pk")
    domain = serializers.CharField(source="name")
    changes = serializers.SerializerMethodField()

    @extend_schema_field(StatusChangeSerializer(many=True))
    def get_changes(self, domain: Domain) -> Any:
        newest = domain.status_changes.order_by("-at", "-pk")[:STATUS_CHANGES]
        return StatusChangeSerializer(newest, many=True).data
