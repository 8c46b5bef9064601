"""The story of one mail: when it arrived, where it is stored, what SES and the parser said, and what is in it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from backoffice.base import ReadOnlyAdmin
from backoffice.links import NOTHING, page_link, related_link
from backoffice.tables import html_table
from backoffice.text import moment, plural, size, visible
from mail.admin import content
from mail.admin.filters import VERDICTS, label
from mail.models import Message, ReceivedEmail
from mail.routing.wording import why
from mail.status import delivery as words

# Of another recipient's row, which is linked.
OTHERS_SHOWN = 100
FIELDSETS: list[Any] = [
    (None, {"fields": ["subject_line", "sender", "to", "cc", "sent", "recipient_shown", "domain_link", "id"]}),
    ("Where it went", {"fields": ["disposition_shown", "reason_shown", "deliveries_shown"]}),
    ("Text", {"fields": ["text"]}),
    ("Attachments", {"fields": ["attachments"]}),
    ("HTML", {"classes": ["collapse"], "fields": ["html"]}),
    ("Headers", {"classes": ["collapse"], "fields": ["headers"]}),
    ("Arrived", {"fields": ["arrived", "envelope_from", "recipients", "known_from"]}),
    ("SES's verdicts", {"fields": ["verdicts"]}),
    ("Stored", {"fields": ["stored_at", "stored_size", "ses_id", "raw"]}),
    ("Read", {"fields": ["state", "parsed", "cut", "parse_error", "problem"]}),
]


class TellsStory(ReadOnlyAdmin[ReceivedEmail]):
    """The fields of the page of one mail. Texts of the mail are escaped, and on one line unless they are its body."""

    domain_link = related_link("domain__name")
    fieldsets = FIELDSETS
    readonly_fields = [name for _, section in FIELDSETS for name in section["fields"]]

    @admin.display(description="subject")
    def subject_line(self, row: ReceivedEmail) -> SafeString | str:
        return visible(row.message.subject) or NOTHING

    @admin.display(description="from")
    def sender(self, row: ReceivedEmail) -> SafeString | str:
        message = row.message
        parsed = content.address_line(message.addresses.get("from"))
        return parsed or visible(f"{message.from_name} {message.from_address}") or NOTHING

    @admin.display(description="to")
    def to(self, row: ReceivedEmail) -> SafeString | str:
        return content.address_line(row.message.addresses.get("to")) or NOTHING

    @admin.display(description="cc")
    def cc(self, row: ReceivedEmail) -> SafeString | str:
        return content.address_line(row.message.addresses.get("cc")) or NOTHING

    @admin.display(description="date header")
    def sent(self, row: ReceivedEmail) -> SafeString | str:
        return moment(row.message.sent_at) if row.message.sent_at else NOTHING

    @admin.display(description="recipient")
    def recipient_shown(self, row: ReceivedEmail) -> str:
        return row.recipient or "unknown: found in the bucket, and nothing says who it was for"

    @admin.display(description="route")
    def disposition_shown(self, row: ReceivedEmail) -> SafeString:
        bad = row.disposition in (ReceivedEmail.Disposition.BLOCKED, ReceivedEmail.Disposition.QUARANTINED)
        return format_html('<span class="{}">{}</span>', "mail-bad" if bad else "", row.get_disposition_display())

    @admin.display(description="because")
    def reason_shown(self, row: ReceivedEmail) -> str:
        return visible(why(row))

    @admin.display(description="deliveries")
    def deliveries_shown(self, row: ReceivedEmail) -> SafeString:
        now = timezone.now()
        lines = [
            (
                page_link("endpoints.endpoint", one.endpoint_id, visible(one.endpoint.name)),
                page_link("mail.delivery", one.pk, words.state(one, now)),
                visible(one.problem),
            )
            for one in row.deliveries.select_related("endpoint__gate").order_by("created_at", "pk")
        ]
        return html_table(["Endpoint", "State", "Problem"], lines) if lines else SafeString("none")

    @admin.display(description="text")
    def text(self, row: ReceivedEmail) -> SafeString:
        return content.plain_text(row.message.text)

    @admin.display(description="HTML")
    def html(self, row: ReceivedEmail) -> SafeString:
        return content.framed_html(row.message.html)

    @admin.display(description="headers")
    def headers(self, row: ReceivedEmail) -> SafeString:
        return content.header_table(row.message.headers)

    @admin.display(description="attachments")
    def attachments(self, row: ReceivedEmail) -> SafeString:
        rows = [
            (
                _download(row, "attachment", visible(one.get("filename") or "") or "without a name", one["index"]),
                visible(one.get("content_type") or ""),
                size(one.get("size") or 0),
                visible(one.get("disposition") or "-"),
            )
            for one in row.message.attachments
        ]
        return html_table(["Name", "Type", "Size", "Disposition"], rows) if rows else SafeString("none")

    @admin.display(description="recipients")
    def recipients(self, row: ReceivedEmail) -> SafeString:
        others = row.message.received_emails.order_by("recipient")[:OTHERS_SHOWN]
        lines = [
            (
                one.recipient or "unknown" if one.pk == row.pk else _page(one),
                _seen(one.is_read, one.read_at),
                _seen(one.is_archived, one.archived_at),
            )
            for one in others
        ]
        return html_table(["Recipient", "Read", "Archived"], lines)

    @admin.display(description="arrived")
    def arrived(self, row: ReceivedEmail) -> str:
        return moment(row.arrived_at)

    @admin.display(description="known from")
    def known_from(self, row: ReceivedEmail) -> str:
        message = row.message
        delay = (message.noted_at - message.arrived_at).total_seconds()
        later = f", {delay:,.1f} s after it arrived" if delay >= 0 else ""
        return f"{message.get_source_display()}, {moment(message.noted_at)}{later}"

    @admin.display(description="verdicts")
    def verdicts(self, row: ReceivedEmail) -> SafeString:
        words = [(name, getattr(row.message, name)) for name in VERDICTS]
        policy = f" (policy {row.message.dmarc_policy})" if row.message.dmarc_policy else ""
        lines = [(label(name), _verdict(word), policy if name == "dmarc" else "") for name, word in words]
        return format_html_join(" · ", "{} {}{}", lines)

    @admin.display(description="envelope sender")
    def envelope_from(self, row: ReceivedEmail) -> SafeString | str:
        return visible(row.message.envelope_from) or "none: a bounce or another notice"

    @admin.display(description="object")
    def stored_at(self, row: ReceivedEmail) -> str:
        return visible(f"s3://{row.message.bucket}/{row.message.key}")

    @admin.display(description="size")
    def stored_size(self, row: ReceivedEmail) -> SafeString | str:
        return NOTHING if row.message.size is None else f"{size(row.message.size)} ({row.message.size:,} bytes)"

    @admin.display(description="SES message id")
    def ses_id(self, row: ReceivedEmail) -> str:
        return visible(row.message.ses_id)

    @admin.display(description="raw mail")
    def raw(self, row: ReceivedEmail) -> SafeString:
        return _download(row, "raw", "Download as SES stored it")

    @admin.display(description="state")
    def state(self, row: ReceivedEmail) -> str:
        message = row.message
        if message.state == Message.State.INGESTED and message.ingested_at:
            return f"{message.get_state_display()} {moment(message.ingested_at)}"
        tries = f", tried {message.attempts} times" if message.attempts else ""
        due = f", next try {moment(message.retry_at)}" if message.retry_at else ""
        return f"{message.get_state_display()}{tries}{due}"

    @admin.display(description="parsed in")
    def parsed(self, row: ReceivedEmail) -> SafeString | str:
        seconds = row.message.parse_seconds
        return NOTHING if seconds is None else f"{seconds * 1000:,.0f} ms"

    @admin.display(description="cut")
    def cut(self, row: ReceivedEmail) -> SafeString | str:
        return ", ".join(map(str, row.message.truncated)) or SafeString("nothing")

    @admin.display(description="not parsed because")
    def parse_error(self, row: ReceivedEmail) -> SafeString | str:
        return visible(row.message.parse_error) or NOTHING

    @admin.display(description="problem")
    def problem(self, row: ReceivedEmail) -> SafeString | str:
        return visible(row.message.problem) or NOTHING


def problems(message: Message) -> list[str]:
    """What an operator should know of a mail, in a few words each."""
    failed = [f"{label(name)} {getattr(message, name)}" for name in VERDICTS if getattr(message, name) == "FAIL"]
    cut = [f"{plural(len(message.truncated), 'part')} cut"] if message.truncated else []
    return [
        *failed,
        *(["not parsed"] if message.parse_error else []),
        *cut,
        *([message.problem] if message.problem else []),
    ]


def _verdict(word: str) -> SafeString:
    return format_html('<span class="{}">{}</span>', "mail-bad" if word == "FAIL" else "", word or "unknown")


def _seen(is_so: bool, at: Any) -> str:
    return (moment(at) if at else "yes") if is_so else "no"


def _page(row: ReceivedEmail) -> SafeString:
    return page_link("mail.receivedemail", row.pk, row.recipient or "unknown")


def _download(row: ReceivedEmail, kind: str, text: str, *args: object) -> SafeString:
    url = reverse(f"admin:mail_receivedemail_{kind}", args=[quote(row.pk), *args])
    return format_html('<a href="{}">{}</a>', url, text)
