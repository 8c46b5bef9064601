"""Deliveries: what was sent where, what came back, and what waits or is dead. Notices are what webhooks are told besides mail."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from backoffice.base import ReadOnlyAdmin
from backoffice.links import NOTHING, page_link, related_link
from backoffice.lists import ChoiceListFilter, newest
from backoffice.tables import html_table
from backoffice.text import moment, visible
from endpoints.models import Endpoint
from mail.admin import content
from mail.admin.actions import ReplaysDeliveries, SettlesNotices
from mail.admin.filters import (
    BODIES,
    SEARCH_NOTE,
    DeliveriesWithoutBodies,
    DomainFilter,
    EndpointFilter,
    WhenFilter,
)
from mail.models import Delivery, DeliveryAttempt, EventNotice, ForwardRecipient, Message
from mail.status import delivery as words
from rest.ids import find_or_none, is_id

PROBLEM_SHOWN = 120
# A delivery that is retried by hand again and again may have more.
ATTEMPTS_SHOWN = 200
FORWARDED: Any = ("Forwarded to", {"fields": ["forwards"]})


@admin.register(Delivery)
class DeliveryAdmin(content.ShowsMail[Delivery], ReplaysDeliveries, ReadOnlyAdmin[Delivery]):
    when_empty = "Nothing has been delivered yet. Give an address an endpoint; then its mail is delivered there."
    list_title = "Deliveries"
    endpoint_link = related_link("endpoint__name")
    domain_link = related_link("received__domain__name")
    list_display = ["created_short", "state_shown", "recipient", "endpoint_link", "answer"]
    list_filter = [
        "state", "endpoint__type", ("endpoint", EndpointFilter), ("received__domain", DomainFilter),
        ("created_at", WhenFilter),
    ]  # fmt: skip
    search_fields = ["received__recipient"]
    search_help_text = f"Recipient. {SEARCH_NOTE}. Or the id of a delivery, of an email or of SES, among all"
    sortable_by = ["created_short"]
    ordering = ["-created_at", "-id"]
    fieldsets = [
        (None, {"fields": ["state_shown", "problem_shown", "email", "endpoint_link", "kind", "domain_link", "webhook_id"]}),
        ("Attempts", {"fields": ["attempts", "attempts_made", "last_attempt", "expires"]}),
        FORWARDED,
        ("Last answer, as the API shows it", {"fields": ["response_shown"]}),
        ("What is sent", {"classes": ["collapse"], "fields": ["endpoint_name", "payload", "body_digest", "created"]}),
    ]  # fmt: skip
    readonly_fields = [
        "state_shown", "problem_shown", "email", "endpoint_link", "kind", "domain_link", "webhook_id", "attempts_made",
        "last_attempt", "expires", "forwards", "response_shown", "created",
    ]  # fmt: skip

    class Media:
        css = {"all": ["backoffice/pages.css", "mail/pages.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        return Delivery.objects.live().select_related("endpoint__gate", "received__domain")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Delivery | None:
        """With all that its page shows."""
        rows = self.get_queryset(request).select_related("received__message")
        rows = rows.defer(*(f"received__message__{name}" for name in BODIES))
        attempts = Prefetch("log", DeliveryAttempt.objects.order_by("-number"))
        members = Prefetch("recipients", ForwardRecipient.objects.order_by("address"))
        return find_or_none(rows.prefetch_related(attempts, members), object_id)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Delivery], search_term: str) -> Any:
        """Ids are found with indexes, and beside an id nothing else is looked for."""
        term = search_term.strip().removeprefix("msg_")
        of_ses = Message.objects.filter(ses_id=term).values("pk")
        for which in (Q(pk=term), Q(received=term), Q(received__message__in=of_ses)) if is_id(term) else ():
            if (found := queryset.filter(which)).exists():
                return found, False
        return super().get_search_results(
            request, newest(queryset, "-created_at", "-pk") if term else queryset, search_term
        )

    def page_title(self, row: Delivery) -> str:
        return f"{row.received.recipient or 'unknown'} to {row.endpoint.name}"

    def get_fieldsets(self, request: HttpRequest, obj: Delivery | None = None) -> Any:
        is_webhook = obj is None or obj.endpoint.type == Endpoint.Type.WEBHOOK
        return [one for one in self.fieldsets or [] if one != FORWARDED or not is_webhook]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return DeliveriesWithoutBodies

    @admin.display(description="created", ordering="created_at")
    def created_short(self, row: Delivery) -> str:
        return moment(row.created_at)

    @admin.display(description="recipient", ordering="received__recipient")
    def recipient(self, row: Delivery) -> SafeString:
        return page_link("mail.receivedemail", row.received_id, visible(row.received.recipient) or "unknown")

    @admin.display(description="state", ordering="state")
    def state_shown(self, row: Delivery) -> SafeString:
        return state_of(row)

    @admin.display(description="last answer")
    def answer(self, row: Delivery) -> str:
        text = visible(row.problem)
        return text if len(text) <= PROBLEM_SHOWN else f"{text[:PROBLEM_SHOWN]}…"

    @admin.display(description="problem")
    def problem_shown(self, row: Delivery) -> SafeString | str:
        return visible(row.problem) or NOTHING

    @admin.display(description="email")
    def email(self, row: Delivery) -> SafeString:
        text = f"{visible(row.received.message.subject) or 'No subject'}, for {visible(row.received.recipient) or 'unknown'}"
        return page_link("mail.receivedemail", row.received_id, text)

    @admin.display(description="type")
    def kind(self, row: Delivery) -> str:
        return row.endpoint.get_type_display()

    @admin.display(description="id")
    def webhook_id(self, row: Delivery) -> str:
        return f"{row.pk} (webhook-id: msg_{row.pk})" if row.endpoint.type == Endpoint.Type.WEBHOOK else row.pk

    @admin.display(description="log")
    def attempts_made(self, row: Delivery) -> SafeString:
        if lines := [words.attempt(one) for one in row.log.all()[:ATTEMPTS_SHOWN]]:
            return html_table(words.ATTEMPT_HEAD, [[*others, _scrolling(answer)] for *others, answer in lines])
        if row.attempts:
            return SafeString("older than DELIVERY_LOG_DAYS")
        return SafeString("none yet" if row.state == Delivery.State.DUE else "no attempt was possible")

    @admin.display(description="last attempt")
    def last_attempt(self, row: Delivery) -> SafeString | str:
        return moment(row.last_attempt_at) if row.last_attempt_at else NOTHING

    @admin.display(description="created")
    def created(self, row: Delivery) -> str:
        return moment(row.created_at)

    @admin.display(description="given up")
    def expires(self, row: Delivery) -> SafeString | str:
        match row.state:
            case Delivery.State.DUE if row.endpoint.is_active:
                return f"at {moment(row.expires_at)}, if it is not delivered before"
            case Delivery.State.DEAD if row.finished_at:
                return moment(row.finished_at)
            case _:
                return SafeString("no")

    @admin.display(description="members")
    def forwards(self, row: Delivery) -> SafeString:
        lines = [words.forward(one) for one in row.recipients.all()]
        return html_table(words.FORWARD_HEAD, lines) if lines else NOTHING

    @admin.display(description="response data")
    def response_shown(self, row: Delivery) -> SafeString:
        if not row.response:
            return NOTHING
        return content.plain_text(json.dumps(row.response, indent=2))


def _scrolling(answer: str) -> SafeString:
    return format_html('<div class="mail-answer">{}</div>', answer) if answer else NOTHING


def state_of(row: Delivery) -> SafeString:
    """Its state in words, of which the first are red if it was given up."""
    text = words.state(row, timezone.now())
    if row.state != Delivery.State.DEAD:
        return format_html("{}", text)
    words_of_state, _, more = text.partition(" at ")
    return format_html('<span class="mail-bad">{}</span> at {}', words_of_state, more)


class NoticeStateFilter(ChoiceListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "Waiting"), ("given_up", "Given up")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[EventNotice]) -> QuerySet[EventNotice]:
        if self.value() == "waiting":
            return queryset & EventNotice.objects.waiting()
        return queryset if self.value() is None else queryset & EventNotice.objects.given_up()


@admin.register(EventNotice)
class EventNoticeAdmin(SettlesNotices, ReadOnlyAdmin[EventNotice]):
    when_empty = "No webhook was told of an event. Choose events on the page of a webhook; then it is told of them."
    endpoint_link = related_link("endpoint__name")
    list_display = ["created_at", "event", "endpoint_link", "state_shown", "attempts", "problem"]
    list_filter = [NoticeStateFilter, "event"]
    list_select_related = ["endpoint"]
    search_fields = ["=id", "endpoint__name", "problem"]
    ordering = ["-created_at", "-id"]
    fields = ["event", "endpoint_link", "state_shown", "attempts", "problem", "created_at", "webhook_id", "sent"]
    readonly_fields = ["endpoint_link", "state_shown", "webhook_id", "sent"]

    class Media:
        css = {"all": ["backoffice/pages.css", "mail/pages.css"]}

    @admin.display(description="state")
    def state_shown(self, row: EventNotice) -> str:
        if row.delivered_at:
            return f"taken at {moment(row.delivered_at)}"
        return f"next try at {moment(row.retry_at)}" if row.retry_at else "given up"

    @admin.display(description="what is sent")
    def sent(self, row: EventNotice) -> SafeString:
        return content.plain_text(json.dumps(json.loads(row.body), indent=2))
