"""How far the sweep of each domain's mail has come."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from backoffice.base import ReadOnlyAdmin
from backoffice.links import related_link
from mail.models import MailSweep


@admin.register(MailSweep)
class MailSweepAdmin(ReadOnlyAdmin[MailSweep]):
    when_empty = "The bucket has not been compared with the list of mail yet. A mail_worker does it."
    list_title = "Sweeps of the bucket"
    domain_link = related_link("domain__name")
    list_display = ["domain_link", "started_at", "finished_at", "took", "found", "due_at", "problem"]
    # The first column has links of its own.
    list_display_links = ["started_at"]
    list_select_related = ["domain"]
    list_filter = [("problem", admin.EmptyFieldListFilter)]
    search_fields = ["domain__name", "problem"]
    ordering = ["domain__name"]
    fieldsets = [
        (None, {"fields": ["domain_link", "found", "problem"]}),
        ("Passes through the bucket", {"fields": ["started_at", "cursor", "finished_at", "took", "due_at"]}),
    ]
    readonly_fields = ["domain_link", "took"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[MailSweep]:
        return super().get_queryset(request).filter(domain__deleting_since=None).select_related("domain")

    @admin.display(description="took", ordering="seconds")
    def took(self, sweep: MailSweep) -> str:
        return f"{sweep.seconds:,.1f} s" if sweep.finished_at else "-"
