"""The list of received mail. Each row is a mail as one of its recipients got it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from backoffice.base import ModelAdmin
from backoffice.deletion import Deleted, DeletesThroughService
from backoffice.lists import newest
from backoffice.text import moment, plural, size, visible
from mail.admin import content
from mail.admin.actions import ReleasesMail
from mail.admin.downloads import Downloads
from mail.admin.filters import (
    SEARCH_NOTE,
    DomainFilter,
    OutcomeFilter,
    ParsedFilter,
    StateFilter,
    VerdictFilter,
    WhenFilter,
    WithoutBodies,
)
from mail.admin.story import TellsStory, problems
from mail.erasure.one import erase_email
from mail.models import Message, ReceivedEmail
from mail.status.outcome import outcome, with_newest_delivery
from rest.ids import is_id

SUBJECT_SHOWN = 120


@admin.register(ReceivedEmail)
class ReceivedEmailAdmin(
    content.ShowsMail[ReceivedEmail], ReleasesMail, Downloads, TellsStory, DeletesThroughService[ReceivedEmail]
):
    when_empty = (
        "No mail is stored. Once a domain is verified and its MX record points to SES, its mail is listed here."
    )
    list_title = "Received mail"
    list_display = [
        "arrived_short", "state_shown", "subject", "from_shown", "recipient", "attached", "bytes_stored",
    ]  # fmt: skip
    list_display_links = ["arrived_short", "subject"]
    list_filter = [
        OutcomeFilter, ("domain", DomainFilter), StateFilter, ParsedFilter, VerdictFilter,
        ("arrived_at", WhenFilter),
    ]  # fmt: skip
    search_fields = ["recipient", "message__from_address", "message__subject"]
    search_help_text = f"Recipient, sender or subject. {SEARCH_NOTE}. Or an id, also of SES, among all"
    sortable_by = ["arrived_short"]
    ordering = ["-arrived_at", "-id"]
    actions = ["release", "delete_selected"]
    asks_to_type = False
    afterwards = (
        "The mail disappears at once. If it has no other recipient, its object in the bucket is erased, too, in all versions; "
        "what S3 does not take now is left to the mail worker."
    )

    class Media:
        css = {"all": ["backoffice/pages.css", "mail/pages.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReceivedEmail]:
        return with_newest_delivery(ReceivedEmail.objects.live().select_related("message", "domain"))

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[ReceivedEmail], search_term: str) -> Any:
        """Ids are found with indexes, and beside an id nothing else is looked for."""
        term = search_term.strip()
        of_ses = Message.objects.filter(ses_id=term).values("pk")
        for which in (Q(pk=term), Q(message__in=of_ses)) if is_id(term) else ():
            if (found := queryset.filter(which)).exists():
                return found, False
        return super().get_search_results(
            request, newest(queryset, "-arrived_at", "-pk") if term else queryset, search_term
        )

    def page_title(self, row: ReceivedEmail) -> str:
        return f"{row.message.subject or 'No subject'}, for {row.recipient or 'unknown'}"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return WithoutBodies

    def has_delete_permission(self, request: HttpRequest, obj: ReceivedEmail | None = None) -> bool:
        return ModelAdmin.has_delete_permission(self, request, obj)

    def consequences(self, rows: Sequence[ReceivedEmail]) -> dict[str, list[str]]:
        counts = Counter(
            ReceivedEmail.objects.filter(message__in={row.message_id for row in rows}).values_list(
                "message_id", flat=True
            )
        )
        return {
            row.pk: [
                f"{visible(row.message.subject) or 'No subject'}, from {_sender(row)}",
                *([_kept_by(counts[row.message_id] - 1)] if counts[row.message_id] > 1 else []),
            ]
            for row in rows
        }

    def delete_row(self, request: HttpRequest, row: ReceivedEmail, plan_token: str) -> Deleted:
        if erase_email(row) == "owed":
            return Deleted("", "S3 still has its object; mail_worker erases it.")
        is_kept = ReceivedEmail.objects.filter(message=row.message_id).exists()
        return Deleted("Its other recipients keep it." if is_kept else "Nothing of it is left.")

    @admin.display(description="arrived", ordering="arrived_at")
    def arrived_short(self, row: ReceivedEmail) -> str:
        return moment(row.arrived_at)

    @admin.display(description="from", ordering="message__from_address")
    def from_shown(self, row: ReceivedEmail) -> str:
        return _sender(row)

    @admin.display(description="subject", ordering="message__subject")
    def subject(self, row: ReceivedEmail) -> str:
        subject = visible(row.message.subject) or "No subject"
        return subject if len(subject) <= SUBJECT_SHOWN else f"{subject[:SUBJECT_SHOWN]}…"

    @admin.display(description="files", ordering="message__attachment_count")
    def attached(self, row: ReceivedEmail) -> int:
        return row.message.attachment_count

    @admin.display(description="size", ordering="message__size")
    def bytes_stored(self, row: ReceivedEmail) -> str:
        return "-" if row.message.size is None else size(row.message.size)

    @admin.display(description="status")
    def state_shown(self, row: ReceivedEmail) -> SafeString:
        word = outcome(row)
        css = "mail-bad" if word == "failed" else ""
        missing = [row.message.get_state_display()] if row.message.state == Message.State.MISSING else []
        found = visible(", ".join([*missing, *problems(row.message)]))
        return format_html('<span class="{}">{}</span> <span class="mail-problem">{}</span>', css, word, found)


def _kept_by(others: int) -> str:
    verb = "keeps" if others == 1 else "keep"
    return f"{plural(others, 'other recipient')} {verb} it, and its object stays in the bucket"


def _sender(row: ReceivedEmail) -> str:
    return visible(row.message.from_address or row.message.envelope_from) or "unknown"
