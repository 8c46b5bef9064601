"""Threads of emails (docs/api/compatibility.md, "Threads")."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Case, F, TextField, Value, When
from django.db.models.functions import Length
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from mail.api.serializers import ParseError, ParseSuccess
from mail.models import ReceivedEmail, ReceivedEmailQuerySet
from mail.shapes import header_text, shown_attachment, thread_id
from mail.threads.members import threads_of
from rest.fields import Constant, SchemaOnly, TextOrNull, Timestamp
from rest.ids import is_id
from rest.schema.parts import PAGINATION
from rest.serializers import Body, ReadSerializer
from rest.viewsets import OwnedViewSet

MOST_COUNTED = 1_000
# Emails in one answer.
MAX_LIMIT = 100
# Characters. A thread with more HTML would not fit into memory; GET /mail/{id} has it.
MOST_HTML = 256 * 1024
# Lone surrogates. The answer repeats the ids, and UTF-8 cannot express these.
UNSENDABLE = re.compile("[\ud800-\udfff]")


class _MemberSerializer(ReadSerializer[ReceivedEmail]):
    """One email of a thread, with the annotation `shown_html`."""

    id = serializers.CharField(source="pk")
    messageId = TextOrNull(source="message.rfc_id")
    type = Constant("inbound")
    subject = TextOrNull(source="message.subject")
    # `from` is a word of Python. See `get_fields`.
    from_ = serializers.SerializerMethodField(method_name="get_from")
    fromName = TextOrNull(source="message.from_name")
    to = serializers.SerializerMethodField()
    receivedAt = Timestamp(source="message.received_at")
    sentAt = Constant(None)
    content = serializers.SerializerMethodField()
    addresses = serializers.SerializerMethodField()
    metadata = serializers.SerializerMethodField()
    isRead = serializers.BooleanField(source="is_read")
    readAt = Timestamp(source="read_at")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {name.removesuffix("_"): field for name, field in super().get_fields().items()}

    def get_from(self, email: ReceivedEmail) -> str:
        message = email.message
        return header_text(message.addresses, "from") or message.from_address or "Unknown Sender"

    def get_to(self, email: ReceivedEmail) -> str:
        return header_text(email.message.addresses, "to") or "Unknown Recipient"

    def get_content(self, email: Any) -> dict[str, Any]:
        message = email.message
        return {
            "textBody": message.text or None,
            "htmlBody": email.shown_html or None,
            "attachments": [shown_attachment(attachment) for attachment in message.attachments],
            "truncated": ["html"] if email.shown_html is None else [],
        }

    def get_addresses(self, email: ReceivedEmail) -> dict[str, Any]:
        return {name: email.message.addresses.get(name) for name in ("from", "to")}

    def get_metadata(self, email: ReceivedEmail) -> dict[str, Any]:
        message = email.message
        return {
            "inReplyTo": message.in_reply_to or None,
            "references": message.references,
            "parseSuccess": ParseSuccess().to_representation(message),
            "parseError": ParseError().to_representation(message),
        }


class ThreadSerializer(serializers.Serializer[Any]):
    """Describes a thread for schema generators."""

    messages = _MemberSerializer(many=True)
    totalCount = SchemaOnly("integer")
    threadId = SchemaOnly("string")
    pagination = SchemaOnly(PAGINATION)


class _CountSerializer(serializers.Serializer[Any]):
    emailId = SchemaOnly("string")
    threadCount = SchemaOnly("integer")
    hasThread = SchemaOnly("boolean")


class ThreadCountsSerializer(serializers.Serializer[Any]):
    """Describes the counts for schema generators."""

    success = Constant(True)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # A serializer has an attribute `data` of its own.
        return {**super().get_fields(), "data": _CountSerializer(many=True)}


class ThreadCountsBody(Body):
    answer = ThreadCountsSerializer

    emailIds = serializers.ListField(child=serializers.CharField(), max_length=MOST_COUNTED)

    def to_internal_value(self, data: Any) -> list[str]:
        ids = data.get("emailIds")
        if not isinstance(ids, list):
            raise ValidationError({"error": "emailIds array is required"})
        if len(ids) > MOST_COUNTED:
            raise ValidationError({"error": f"Cannot count more than {MOST_COUNTED} emails at once"})
        if not all(isinstance(pk, str) and pk.strip() and not UNSENDABLE.search(pk) for pk in ids):
            raise ValidationError({"error": "All email IDs must be non-empty strings"})
        return ids


def _members(user: User, email: ReceivedEmail) -> list[str]:
    """The ids of the emails in the thread of one, newest first.

    A mail that was received at several addresses is one of its emails.
    """
    messages = threads_of(user, [email.message_id])[email.message_id]
    rows = ReceivedEmail.objects.live().visible_to(user).filter(message__in=messages).order_by("-arrived_at", "-pk")
    found = {message: pk for pk, message in rows.values_list("pk", "message_id")}
    return [*(found | {email.message_id: email.pk}).values()]


def _shown(rows: ReceivedEmailQuerySet) -> Any:
    fits = When(html_length__lte=MOST_HTML, then=F("message__html"))
    return (
        rows.select_related("message")
        .defer("message__html", "message__headers")
        .annotate(html_length=Length("message__html"))
        .annotate(shown_html=Case(fits, default=Value(None), output_field=TextField()))
    )


def counts_of(user: User, pks: list[str]) -> list[dict[str, Any]]:
    """How many mails the thread of each email has. 1 for an unknown one."""
    rows = ReceivedEmail.objects.live().visible_to(user).filter(pk__in=[pk for pk in {*pks} if is_id(pk)])
    message_of = dict(rows.values_list("pk", "message_id"))
    threads = threads_of(user, {*message_of.values()})
    counts = {pk: len(threads[message]) for pk, message in message_of.items()}
    return [{"emailId": pk, "threadCount": counts.get(pk, 1), "hasThread": counts.get(pk, 1) > 1} for pk in pks]


class ThreadActions(OwnedViewSet[ReceivedEmail]):
    """Mixin with the threads of emails."""

    @action(detail=True)
    def thread(self, request: Request, pk: str) -> Response:
        """List the newest emails of a thread, oldest first."""
        email = self.get_object()
        members = _members(self.caller, email)
        pages: Any = self.paginator
        shown = [member for _, member in pages.slice(members, request, self, default=MAX_LIMIT)]
        rows = {row.pk: row for row in _shown(ReceivedEmail.objects.filter(pk__in={*shown, members[-1]}))}
        found: Any = [rows[pk] for pk in reversed(shown) if pk in rows]
        return Response(
            {
                "messages": _MemberSerializer(found, many=True).data,
                "totalCount": len(members),
                "threadId": thread_id(rows.get(members[-1], email)),
                "pagination": pages.summary(),
            }
        )

    @action(detail=False, methods=["post"], url_path="thread-counts", required_scope="read")
    def thread_counts(self, request: Request) -> Response:
        """Count the mails in the threads of up to 1,000 emails."""
        body: Any = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        return Response({"success": True, "data": counts_of(self.caller, body.validated_data)})

    def handle_exception(self, exc: Exception) -> Response:
        answer = super().handle_exception(exc)
        if self.action == "thread_counts" and isinstance(getattr(answer, "data", None), dict):
            answer.data = {"success": False, **answer.data}
        return answer
