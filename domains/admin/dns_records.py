"""DNS records in the admin, read-only: they follow their domain."""

from __future__ import annotations

from django.contrib import admin

from backoffice.base import ReadOnlyAdmin
from backoffice.links import related_link
from domains.models import DnsRecord


@admin.register(DnsRecord)
class DnsRecordAdmin(ReadOnlyAdmin[DnsRecord]):
    when_empty = "There are none yet. Each domain that is added has its records here."
    domain_link = related_link("domain__name")
    list_display = ["name", "record_type", "value", "domain_link", "is_required", "state", "last_checked"]
    list_filter = ["record_type", "state", "is_required"]
    list_select_related = ["domain"]
    search_fields = ["name", "value", "id"]
    ordering = ["domain__name", "record_type", "name"]
    fieldsets = [
        (None, {"fields": ["domain_link", "record_type", "name", "value", "is_required", "id"]}),
        ("Check", {"fields": ["state", "problem", "last_checked", "created_at"]}),
    ]
