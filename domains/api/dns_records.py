"""`/dns-records`: the DNS records of all domains of the caller. Read-only, because they change with their domains."""

from __future__ import annotations

from django.db.models import QuerySet
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin

from domains.api.record_serializers import DnsRecordSerializer
from domains.lists import DOMAIN, DOMAIN_ID, domains_of
from domains.models import DnsRecord
from rest.viewsets import OwnedViewSet


class DnsRecordViewSet(ListModelMixin, RetrieveModelMixin, OwnedViewSet[DnsRecord]):
    queryset = DnsRecord.objects.live().order_by("-created_at", "record_type", "name", "id")
    not_found = "DNS record not found"
    serializer_class = DnsRecordSerializer
    filters = [DOMAIN_ID, DOMAIN]

    def count(self, rows: QuerySet[DnsRecord]) -> int:
        return domains_of(self).total("dns_record_count")
