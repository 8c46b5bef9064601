"""Exports: their state, and a download for whom may change them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from archives.admin.claimed import ShowsClaimed
from archives.admin.starting import StartsExports
from archives.exports.downloads import archive_answer
from archives.models import Export
from backoffice.base import ReadOnlyAdmin
from backoffice.links import NOTHING, related_link
from backoffice.text import moment, plural
from mail.downloads.wording import BUSY
from mail.parsing.pool import Busy
from ses_integration.api import NotStored, SesError

GONE = "The bucket does not have this archive any more."


@admin.register(Export)
class ExportAdmin(ShowsClaimed, StartsExports, ReadOnlyAdmin[Export]):
    when_empty = "Nobody has exported a domain yet. The page of a domain does it, and so do the API and export_domain."
    list_title = "Exports"
    account_link = related_link("account__username")
    list_display = [
        "domain_name",
        "account_link",
        "state_and_problem",
        "progress",
        "size_shown",
        "created_at",
        "expires_at",
        "download",
    ]
    list_filter = ["state", "includes_secrets", "stalled"]
    search_fields = ["=id", "domain_name", "account__username"]
    ordering = ["-created_at", "id"]
    fieldsets = [
        (None, {"fields": ["domain_link", "id", "account_link", "includes_secrets", "state_shown", "problem_shown", "download"]}),
        ("Progress", {"fields": ["progress", "size_shown", "parts", "created_at", "finished_at", "expires_at", "next_try"]}),
        ("In the bucket", {"fields": ["bucket", "key", "upload"]}),
    ]  # fmt: skip
    readonly_fields = [
        "domain_link", "account_link", "state_shown", "problem_shown", "progress", "size_shown", "next_try", "key", "download",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Export]:
        return super().get_queryset(request).select_related("account")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.download_view)
        return [path("<path:object_id>/download/", view, name="archives_export_download"), *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        export: Export | None = kwargs.get("obj")
        title = "Export a domain" if export is None else f"Export of {export.domain_name}"
        context |= {
            "title": title,
            "subtitle": None,
            "save_label": "Export" if export is None else "",
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def download_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """The archive, which has all mail and perhaps secrets: for whom may change exports. It is in the audit log."""
        if not request.user.has_perm("archives.change_export"):
            raise PermissionDenied
        export = self.get_object(request, unquote(object_id))
        if export is None or export.state != Export.State.READY:
            raise Http404
        try:
            return archive_answer(export)
        except NotStored:
            return self._back(request, export, GONE)
        except SesError as error:
            return self._back(request, export, error.sentence)
        except Busy:
            return self._back(request, export, BUSY)

    def _back(self, request: HttpRequest, export: Export, problem: str) -> HttpResponseRedirect:
        messages.error(request, problem)
        return HttpResponseRedirect(reverse(f"{self.admin_site.name}:archives_export_change", args=[quote(export.pk)]))

    @admin.display(description="progress")
    def progress(self, export: Export) -> str:
        done = export.counts.get("mails", 0)
        if export.status in (Export.State.PENDING, Export.State.RUNNING, Export.State.FAILED):
            return f"{done:,} of {plural(export.mails, 'mail')}"
        return plural(done, "mail")

    @admin.display(description="next try")
    def next_try(self, export: Export) -> str:
        """Not for an archive that is complete: what comes next is in `expires_at`."""
        if export.retry_at is None or export.state == Export.State.READY:
            return "-"
        return moment(export.retry_at) if export.retry_at > timezone.now() else "now"

    @admin.display(description="key")
    def key(self, export: Export) -> str:
        return export.archive.key

    @admin.display(description="download")
    def download(self, export: Export) -> SafeString:
        if export.state != Export.State.READY:
            return NOTHING
        url = reverse("admin:archives_export_download", args=[quote(export.pk)])
        return format_html('<a href="{}">Download</a>', url)
