"""Imports: their state, what each has created, and what is left to do."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from archives.admin.claimed import ShowsClaimed
from archives.admin.importing import PREVIEW, ImportsArchives
from archives.models import Import
from archives.uploads.again import try_now
from backoffice.base import ReadOnlyAdmin
from backoffice.links import related_link
from backoffice.text import moment, plural, visible
from workers.models import WorkerKind
from workers.wording import left_to

NAMES = {"addresses": "address", "blockedEmails": "blocked email", "endpoints": "endpoint"}


@admin.register(Import)
class ImportAdmin(ShowsClaimed, ImportsArchives, ReadOnlyAdmin[Import]):
    when_empty = "Nobody has imported an archive yet. The button above does it, and so does the API."
    list_title = "Imports"
    account_link = related_link("account__username", "owner")
    list_display = ["domain_name", "account_link", "state_and_problem", "progress", "created_at", "finished_at"]
    list_filter = ["state", "with_mail", "stalled"]
    search_fields = ["=id", "domain_name", "account__username"]
    ordering = ["-created_at", "id"]
    actions = ["try_now"]
    fieldsets = [
        (None, {"fields": ["domain_link", "id", "account_link", "state_shown", "problem_shown", "created_shown", "left_to_do"]}),
        ("Mail", {"fields": ["with_mail", "progress", "existing", "missing", "created_at", "finished_at", "next_try"]}),
        ("In the bucket", {"fields": ["size_shown", "bucket", "key"]}),
    ]  # fmt: skip
    readonly_fields = [
        "domain_link", "account_link", "state_shown", "problem_shown", "created_shown", "left_to_do", "progress", "next_try",
        "size_shown", "key",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Import]:
        return super().get_queryset(request).select_related("account").defer("ids")

    def get_fieldsets(self, request: HttpRequest, obj: Import | None = None) -> Any:
        found = super().get_fieldsets(request, obj)
        return found if obj is None or obj.tag else found[:-1]

    def has_act_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("archives.change_import")

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        row: Import | None = kwargs.get("obj")
        context |= {
            "title": "Import an archive" if row is None else f"Import of {row.domain_name}",
            "subtitle": None,
            "save_label": "Import" if row is None else "",
            "preview_label": PREVIEW,
            "preview": getattr(request, "preview", None),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.action(description="Try again now", permissions=["act"])
    def try_now(self, request: HttpRequest, queryset: QuerySet[Import]) -> None:
        if not (number := try_now(queryset)):
            messages.info(request, "None of these waits for another try. What has failed needs its archive again.")
            return
        said = left_to(WorkerKind.MAIL, f"The mail worker goes on with {'it' if number == 1 else 'them'} now.")
        messages.success(request, f"Asked for {plural(number, 'import')}. {said}")

    @admin.display(description="created")
    def created_shown(self, row: Import) -> str:
        if row.existed:
            return "Nothing: the owner had the domain, and only its mail is imported."
        counts = ", ".join(plural(row.created[kind], name) for kind, name in NAMES.items() if kind in row.created)
        return f"The domain, {counts}"

    @admin.display(description="left to do")
    def left_to_do(self, row: Import) -> SafeString | str:
        sentences = [*row.to_fill_in, *filter(None, [row.warning])]
        return format_html_join(SafeString("<br>"), "{}", ((visible(one),) for one in sentences)) or "-"

    @admin.display(description="mail")
    def progress(self, row: Import) -> str:
        if not row.with_mail:
            return "without mail"
        done = row.stored + row.existing + row.missing
        whole = plural(row.mails, "mail")
        return whole if row.status == Import.State.DONE else f"{done:,} of {whole}"

    @admin.display(description="next try")
    def next_try(self, row: Import) -> str:
        if row.retry_at is None or row.state not in Import.UNFINISHED:
            return "-"
        return moment(row.retry_at) if row.retry_at > timezone.now() else "now"

    @admin.display(description="key")
    def key(self, row: Import) -> str:
        """Of the archive, which is erased when its mail is imported."""
        return row.archive.key if row.tag else "-"
