"""Answers about received mail in lists, and changes of its marks (docs/api/compatibility.md, "Received mail")."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from mail.api.deliveries.status import EmailRoute, EmailStatus
from mail.models import Message, ReceivedEmail
from rest.fields import Boolean, Constant, OrNull, SchemaOnly, TextOrNull, Timestamp, like
from rest.serializers import Body, ReadModelSerializer, ReadSerializer

UNKNOWN = "unknown"
MISSING = "The stored mail is missing."
MOST_AT_ONCE = 100


class TextOr(serializers.CharField):
    """Read-only text, with another one in place of an empty one."""

    def __init__(self, default_text: str, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)
        self.default_text = default_text

    def to_representation(self, value: Any) -> str:
        return value or self.default_text


class ParseSuccess(serializers.Field[Any, Any, Any, Any]):
    """Whether a message could be read. Null as long as it has not been tried."""

    schema: ClassVar[dict[str, Any]] = {"type": "boolean", "nullable": True}

    def to_representation(self, value: Message) -> bool | None:
        if value.state == Message.State.ARRIVED:
            return None
        return value.state == Message.State.INGESTED and not value.parse_error


class ParseError(serializers.Field[Any, Any, Any, Any]):
    schema: ClassVar[dict[str, Any]] = {"type": "string", "nullable": True}

    def to_representation(self, value: Message) -> str | None:
        return value.parse_error or (MISSING if value.state == Message.State.MISSING else None)


class HasAny(serializers.Field[Any, Any, Any, Any]):
    """Whether a number, text or list is not empty."""

    schema: ClassVar[dict[str, Any]] = {"type": "boolean"}

    def to_representation(self, value: Any) -> bool:
        return bool(value)


# The columns that the serializer below reads. The bodies are left where they are.
LISTED = [
    "recipient", "arrived_at", "is_read", "read_at", "is_archived", "archived_at", "disposition", "route",
    *(f"message__{name}" for name in (
        "rfc_id", "subject", "from_address", "from_name", "preview", "sent_at", "arrived_at", "attachment_count", "state",
        "parse_error",
    )),
]  # fmt: skip


class ListedEmailSerializer(ReadModelSerializer[ReceivedEmail]):
    emailId = serializers.CharField(source="pk")
    messageId = TextOrNull(source="message.rfc_id")
    subject = TextOr("No Subject", source="message.subject")
    # `from` is a word of Python. See `get_fields`.
    from_ = TextOr(UNKNOWN, source="message.from_address")
    fromName = TextOrNull(source="message.from_name")
    recipient = TextOr(UNKNOWN)
    preview = serializers.CharField(source="message.preview")
    receivedAt = Timestamp(source="message.received_at")
    isRead = serializers.BooleanField(source="is_read")
    readAt = Timestamp(source="read_at")
    isArchived = serializers.BooleanField(source="is_archived")
    archivedAt = Timestamp(source="archived_at")
    hasAttachments = HasAny(source="message.attachment_count")
    attachmentCount = serializers.IntegerField(source="message.attachment_count")
    parseSuccess = ParseSuccess(source="message")
    parseError = ParseError(source="message")
    createdAt = Timestamp(source="arrived_at")
    status = EmailStatus()
    route = EmailRoute()

    class Meta:
        model = ReceivedEmail
        fields = [
            "id", "emailId", "messageId", "subject", "from_", "fromName", "recipient", "preview", "receivedAt",
            "isRead", "readAt", "isArchived", "archivedAt", "hasAttachments", "attachmentCount", "parseSuccess", "parseError",
            "createdAt", "status", "route",
        ]  # fmt: skip

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {name.removesuffix("_"): field for name, field in super().get_fields().items()}


class EmailPageSerializer(serializers.Serializer[Any]):
    """What the answer to GET /mail has in addition to the page."""

    filters = SchemaOnly(like({"uniqueDomains": ["example.org"], "hiddenOlder": OrNull(0)}))


class MarkedEmailSerializer(ReadSerializer[ReceivedEmail]):
    """The answer to PATCH /mail/{id}."""

    id = serializers.CharField(source="pk")
    isRead = serializers.BooleanField(source="is_read")
    isArchived = serializers.BooleanField(source="is_archived")
    readAt = Timestamp(source="read_at")
    archivedAt = Timestamp(source="archived_at")


class MarkBody(Body):
    answer = MarkedEmailSerializer

    isRead = Boolean(required=False, source="is_read")
    isArchived = Boolean(required=False, source="is_archived")

    def validate(self, attrs: Any) -> Any:
        if not attrs:
            raise ValidationError("At least one field (isRead or isArchived) must be provided")
        return attrs


class BulkMarkedItemSerializer(ReadSerializer[ReceivedEmail]):
    id = serializers.CharField(source="pk")
    isRead = serializers.BooleanField(source="is_read")
    isArchived = serializers.BooleanField(source="is_archived")


class BulkMarkedSerializer(ReadSerializer[Any]):
    """The answer to POST /mail/bulk, about a list of emails."""

    updatedCount = serializers.SerializerMethodField()
    emails = BulkMarkedItemSerializer(source="*", many=True)

    def get_updatedCount(self, emails: list[ReceivedEmail]) -> int:
        return len(emails)


class _Updates(serializers.Serializer[Any]):
    """Describes `updates` for schema generators. `BulkMarkBody` reads it."""

    isRead = Boolean(required=False)
    isArchived = Boolean(required=False)


class BulkMarkBody(Body):
    """The order of the errors is the contract's."""

    answer = BulkMarkedSerializer

    emailIds = serializers.ListField(child=serializers.CharField(), max_length=MOST_AT_ONCE)
    updates = _Updates()

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        ids, updates = data.get("emailIds"), data.get("updates")
        if not isinstance(ids, list):
            raise ValidationError({"error": "emailIds must be an array"})
        if not ids:
            raise ValidationError({"error": "At least one email ID must be provided"})
        if len(ids) > MOST_AT_ONCE:
            raise ValidationError({"error": f"Cannot update more than {MOST_AT_ONCE} emails at once"})
        if not isinstance(updates, dict):
            raise ValidationError({"error": "updates object is required"})
        marks = {"is_read": "isRead", "is_archived": "isArchived"}
        values = {column: updates[name] for column, name in marks.items() if name in updates}
        for column, value in values.items():
            if not isinstance(value, bool):
                raise ValidationError({"error": f"updates.{marks[column]} must be a boolean"})
        if not values:
            raise ValidationError({"error": "At least one update field (isRead or isArchived) must be provided"})
        if not all(isinstance(pk, str) and pk.strip() for pk in ids):
            raise ValidationError({"error": "All email IDs must be non-empty strings"})
        return {"ids": ids, **values}


class ErasedEmailSerializer(ReadSerializer[Any]):
    """The answer to DELETE /mail/{id}, about an outcome."""

    message = Constant("Email deleted successfully")
    # "erased", or "owed" if S3 has not confirmed it yet.
    storedMail = serializers.CharField(source="*")
