"""`/dns-records`: the DNS records of all domains of the caller. Read-only, because they change with their domains."""

from __future__ import annotations

from django.db.models import QuerySet
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin

from domains.api.serializers import DnsRecordSerializer
from domains.models import DnsRecord, Domain
from rest.filters import IdFilter
from rest.viewsets import OwnedViewSet


class DnsRecordViewSet(ListModelMixin, RetrieveModelMixin, OwnedViewSet[DnsRecord]):
    queryset = DnsRecord.objects.live().order_by("-created_at", "record_type", "name", "id")
    not_found = "DNS record not found"
    serializer_class = DnsRecordSerializer
    filters = [IdFilter("domainId", "domain_id")]

    def count(self, rows: QuerySet[DnsRecord]) -> int:
        return self.owned(Domain.objects.live()).total("dns_record_count", self.request.query_params.get("domainId"))
