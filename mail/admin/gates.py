"""Endpoints that do not take their mail: since when, why, and what waits for them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from backoffice.base import ReadOnlyAdmin
from backoffice.links import list_link, related_link
from backoffice.text import duration, visible
from mail.admin import content
from mail.admin.actions import OpensGates
from mail.models import EndpointGate
from mail.status.endpoints import waiting_for
from mail.status.wording import when


@admin.register(EndpointGate)
class EndpointGateAdmin(content.ShowsMail[EndpointGate], OpensGates, ReadOnlyAdmin[EndpointGate]):
    when_empty = "All endpoints take their mail."
    list_title = "Endpoints with problems"
    endpoint_link = related_link("endpoint__name")
    list_display = ["endpoint_link", "state", "kind", "down_for", "failures", "waiting", "next_try", "problem_shown"]
    # The first column has links of its own.
    list_display_links = ["state"]
    list_filter = ["endpoint__type"]
    search_fields = ["=endpoint__id", "endpoint__name", "problem"]
    ordering = ["down_since", "endpoint"]
    fieldsets = [
        (
            None,
            {"fields": ["endpoint_link", "state", "kind", "waiting", "problem_shown", "down_for", "next_try", "speed"]},
        ),
        ("Problems in a row, without a success between them", {"fields": ["failures", "gone", "bounces"]}),
        ("Addresses that nothing is forwarded to any more", {"fields": ["dropped"]}),
    ]
    readonly_fields = ["endpoint_link", "state", "kind", "waiting", "problem_shown", "down_for", "next_try", "speed"]

    class Media:
        css = {"all": ["backoffice/pages.css", "mail/pages.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[EndpointGate]:
        return super().get_queryset(request).select_related("endpoint").annotate(waiting=waiting_for("endpoint"))

    @admin.display(description="type", ordering="endpoint__type")
    def kind(self, row: EndpointGate) -> str:
        return row.endpoint.get_type_display()

    @admin.display(description="state")
    def state(self, row: EndpointGate) -> str:
        return row.endpoint.health

    @admin.display(description="last answer")
    def speed(self, row: EndpointGate) -> str:
        return "took long" if row.is_slow else "came in time, or not at all"

    @admin.display(description="failing for", ordering="down_since")
    def down_for(self, row: EndpointGate) -> str:
        return duration(timezone.now() - row.down_since) if row.down_since else "-"

    @admin.display(description="waiting", ordering="waiting")
    def waiting(self, row: Any) -> SafeString:
        return list_link("mail.delivery", row.waiting, endpoint__id__exact=row.endpoint_id, state__exact="due")

    @admin.display(description="next try", ordering="not_before")
    def next_try(self, row: Any) -> str:
        if not row.endpoint.is_active or not row.waiting:
            return "-"
        return when(row.not_before, timezone.now()) or "now"

    @admin.display(description="problem")
    def problem_shown(self, row: EndpointGate) -> str:
        return visible(row.problem) or "-"
