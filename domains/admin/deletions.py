"""Reports of domain deletions in the admin: the steps, the verification of absence, and an action to retry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from backoffice.base import ReadOnlyAdmin
from backoffice.deletion.pages import MOST_AT_ONCE
from backoffice.links import joined, list_link, page_link, rows_of_domain
from backoffice.lists import ChoiceListFilter
from backoffice.text import plural, size
from domains.admin.deleted import reports
from domains.admin.deleted.grace import EXTENSION_DAYS, ChangesGracePeriods
from domains.deletion import proof
from domains.deletion.record import warning
from domains.dns import leftovers
from domains.grace.end import retry
from domains.models import DomainDeletion, DomainDeletionQuerySet
from ses_integration.api import shared_deadline

STEPS = [(step, f"{step}_at") for step in DomainDeletion.STEPS]
# In the address of the results: the reports of deletions that the request has only continued.
ALSO = "also"
ERASED_ROWS = ("erased_emails", "erased_attachments", "size_of_emails")
ERASED = ("erased_versions", "erased_delete_markers", "erased_size")


class StateFilter(ChoiceListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("pending", "Pending"),
            ("restorable", "Can be restored"),
            ("finished", "Finished"),
            ("restored", "Restored"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[DomainDeletion]) -> QuerySet[DomainDeletion]:
        rows = cast(DomainDeletionQuerySet, queryset)
        match self.value():
            case "pending":
                return rows.under_way()
            case "restorable":
                return rows.in_grace()
            case "finished":
                return rows.for_good().filter(finished_at__isnull=False)
            case "restored":
                return rows.filter(restored_at__isnull=False)
            case _:
                return queryset


@admin.register(DomainDeletion)
class DomainDeletionAdmin(ChangesGracePeriods, ReadOnlyAdmin[DomainDeletion]):
    when_empty = "No domain has been deleted yet. Each deletion has a report here, with its proof."
    list_display = [
        "name", "started_at", "requested_by", "rules", "identity", "stored_mail", "restorable", "finished_at", "proved_at",
    ]  # fmt: skip
    list_filter = [StateFilter, "identity"]
    search_fields = ["name", "domain_id", "id", "requested_by", "owner__username"]
    date_hierarchy = "started_at"
    ordering = ["-started_at", "name"]
    actions = ["retry", *ChangesGracePeriods.grace_actions]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "name",
                    "domain_id",
                    "id",
                    "owner",
                    "requested_by",
                    "request_id",
                    "plan_token",
                    "had_access",
                    "related",
                ]
            },
        ),
        ("Steps", {"fields": [("started_at", "finished_at"), *STEPS, "pending_or_kept"]}),
        ("Grace period", {"fields": ["restorable_until", "grace_ended_at", "restored_at", "restored_by"]}),
        ("At the start", {"fields": ["rule_names", "email_addresses", "blocked_emails", "dns_records", "dns_left"]}),
        ("Received emails", {"fields": [ERASED_ROWS]}),
        ("Stored mail", {"fields": ["mail", ERASED, "late_versions", "kept_versions"]}),
        ("Verification of absence", {"fields": ["proved_at", "last_verification", "look_again_at"]}),
        ("Attempts", {"fields": ["ses_attempts", "problem", "attempts", "retry_at"]}),
    ]

    def get_urls(self) -> list[URLPattern]:
        def page(pattern: str, view: Any, name: str) -> URLPattern:
            found: URLPattern = path(pattern, self.admin_site.admin_view(view), name=f"domains_domaindeletion_{name}")
            return found

        return [
            page("request/<path:request_id>/", self.results_view, "results"),
            page("<path:object_id>/retry/", self.retry_view, "retry"),
            *self.grace_urls(),
            *super().get_urls(),
        ]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        record: DomainDeletion = kwargs["obj"]
        context |= reports.context_of(record, with_dns="dns" in request.GET)
        context |= {
            "title": f"Deletion of {record.name}",
            "subtitle": None,
            "can_retry": _can_continue(record) and self.has_retry_permission(request),
            "can_restore": record.in_grace and self.has_grace_permission(request),
            "can_end": record.in_grace and self.has_end_permission(request),
            "extension_days": EXTENSION_DAYS,
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def results_view(self, request: HttpRequest, request_id: str) -> HttpResponse:
        """All deletions that one request has begun, and those that it has continued. Its address can be passed on."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        which = Q(request_id=request_id) | Q(pk__in=request.GET.getlist(ALSO)[:MOST_AT_ONCE])
        records = list(DomainDeletion.objects.filter(which).order_by("name")[:MOST_AT_ONCE])
        if not records:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "title": "Deletions",
            "opts": self.opts,
            **reports.together(records),
        }
        return TemplateResponse(request, "admin/domains/domaindeletion/results.html", context)

    @method_decorator(require_POST)
    def retry_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The button `Try now` of a report."""
        if not self.has_retry_permission(request):
            raise PermissionDenied
        record = self.get_object(request, unquote(object_id))
        if record is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        self._retry(request, [record] if _can_continue(record) else [])
        return HttpResponseRedirect(reverse("admin:domains_domaindeletion_change", args=[object_id]))

    def has_retry_permission(self, request: HttpRequest) -> bool:
        # has_change_permission would not do: it is always False, because the rows cannot be edited.
        return request.user.has_perm("domains.change_domaindeletion")

    @admin.action(description="Retry unfinished deletions now", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[DomainDeletion]) -> None:
        rows = cast(DomainDeletionQuerySet, queryset)
        chosen = list(rows.to_continue())
        if waiting := rows.in_grace().exclude(pk__in=[record.pk for record in chosen]).count():
            messages.info(
                request, f"{plural(waiting, 'deletion')} in a grace period: there is nothing to retry before it ends."
            )
        if chosen or not waiting:
            self._retry(request, chosen)

    def _retry(self, request: HttpRequest, records: Sequence[DomainDeletion]) -> None:
        with shared_deadline():
            outcomes = [(record, retry(record)) for record in records]
        if finished := sum(record.finished_at is not None for record in records):
            messages.success(request, f"{finished} finished.")
        if not records:
            messages.info(request, "All selected deletions are already finished.")
        for record, outcome in outcomes:
            if record.finished_at is None:
                messages.warning(request, f"{record.name}: {outcome}")

    @admin.display(description="restorable until", ordering="restorable_until")
    def restorable(self, record: DomainDeletion) -> datetime | None:
        return record.restorable_until if record.in_grace else None

    @admin.display(description="to be removed from DNS")
    def dns_left(self, record: DomainDeletion) -> SafeString | str:
        told = [row for row in record.records_to_publish if not leftovers.is_owners_own(row["name"])]
        lines = [format_html("{} {} {}", row["name"], row["type"], row["value"]) for row in told]
        return joined(lines, "<br>") or "none known"

    @admin.display(description="erased", ordering="erased_bytes")
    def erased_size(self, record: DomainDeletion) -> str:
        return size(record.erased_bytes)

    @admin.display(description="size of their mails", ordering="erased_email_bytes")
    def size_of_emails(self, record: DomainDeletion) -> str:
        return size(record.erased_email_bytes)

    @admin.display(description="last verification")
    def last_verification(self, record: DomainDeletion) -> str:
        return proof.describe(record)

    @admin.display(description="still pending or kept")
    def pending_or_kept(self, record: DomainDeletion) -> str:
        return warning(record) or "nothing"

    @admin.display(description="accounts that had access")
    def had_access(self, record: DomainDeletion) -> SafeString | str:
        """They may read the report."""
        accounts = record.readers.order_by("username")
        return joined((page_link("auth.user", one.pk, one.get_username()) for one in accounts), ", ") or "none"

    @admin.display(description="see also")
    def related(self, record: DomainDeletion) -> SafeString:
        ledger = list_link("ses_integration.ledgerentry", "SES ledger", domain=record.name)
        sync = list_link("ses_integration.domainsync", "Sync state", domain=record.name)
        return joined([ledger, sync, rows_of_domain(record.name)])


def _can_continue(record: DomainDeletion) -> bool:
    return DomainDeletion.objects.to_continue().filter(pk=record.pk).exists()
