"""The answer to GET /mail/{id} (docs/api/compatibility.md, "Received mail")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers

from endpoints.deliveries import STATS
from mail.api.deliveries.status import EmailRoute, EmailStatus
from mail.api.serializers import UNKNOWN, HasAny, ParseError, ParseSuccess, TextOr
from mail.models import Message, ReceivedEmail
from mail.shapes import VERDICTS, header_text, security, shown_attachment, thread_id
from rest.fields import Constant, Json, OrNull, SchemaOnly, TextOrNull, Timestamp, like, timestamp
from rest.serializers import ReadModelSerializer, ReadSerializer

ATTACHMENT = {
    "filename": OrNull("invoice.pdf"),
    "contentType": "application/pdf",
    "size": 48122,
    "contentId": OrNull("logo"),
    "contentDisposition": OrNull("attachment"),
}
# SES stores the mail with its S3 action.
ACTION = "S3"
# Headers whose addresses an answer has, as `Message.addresses` names them.
ADDRESSED = ("from", "to", "cc", "bcc", "replyTo")


class _HeaderText(serializers.Field[Any, Any, Any, Any]):
    """The text of a header with addresses, from `Message.addresses`."""

    def __init__(self, header: str, absent: str | None = None) -> None:
        super().__init__(read_only=True, source="message.addresses")
        self.schema = {"type": "string", "nullable": absent is None}
        self.header, self.absent = header, absent

    def to_representation(self, value: Mapping[str, Any]) -> str | None:
        return header_text(value, self.header) or self.absent


class _Addresses(serializers.Field[Any, Any, Any, Any]):
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {name: {"type": "object", "nullable": True} for name in ADDRESSED},
    }

    def to_representation(self, value: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value.get(name) for name in ADDRESSED}


class _Attachments(serializers.Field[Any, Any, Any, Any]):
    """What an email says of its attachments. `GET /mail/{id}/attachments` has their links."""

    schema: ClassVar[dict[str, Any]] = like([ATTACHMENT])

    def to_representation(self, value: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [shown_attachment(attachment) for attachment in value]


class _ContentSerializer(ReadSerializer[Message]):
    textBody = TextOrNull(source="text")
    htmlBody = TextOrNull(source="html")
    rawContent = SchemaOnly("string", nullable=True)
    rawUrl = SchemaOnly("string")
    attachments = _Attachments()
    headers = Json({"type": "object"})


class _MetadataSerializer(ReadSerializer[Message]):
    inReplyTo = TextOrNull(source="in_reply_to")
    references = Json(like(["<1@example.net>"]))
    priority = TextOrNull()
    parseSuccess = ParseSuccess(source="*")
    parseError = ParseError(source="*")
    hasAttachments = HasAny(source="attachment_count")
    attachmentCount = serializers.IntegerField(source="attachment_count")
    hasTextBody = HasAny(source="text")
    hasHtmlBody = HasAny(source="html")
    truncated = Json(like(["html"]))


class _Security(serializers.Field[Any, Any, Any, Any]):
    schema: ClassVar[dict[str, Any]] = {"type": "object", "properties": {name: {"type": "string"} for name in VERDICTS}}

    def to_representation(self, value: Message) -> dict[str, str]:
        return security(value)


class _StoredSerializer(ReadSerializer[Message]):
    """Bucket and key are the operator's business."""

    bucketName = Constant(None)
    objectKey = Constant(None)
    contentFetched = serializers.SerializerMethodField()
    contentSize = serializers.IntegerField(source="size", allow_null=True)
    error = ParseError(source="*")

    def get_contentFetched(self, message: Message) -> bool:
        return message.state == Message.State.INGESTED


class _ProcessingSerializer(ReadSerializer[Message]):
    processingTimeMs = serializers.SerializerMethodField()
    timestamp = Timestamp(source="arrived_at")
    receiptTimestamp = Timestamp(source="arrived_at")
    actionType = Constant(ACTION)
    s3Info = _StoredSerializer(source="*")
    commonHeaders = serializers.SerializerMethodField()

    def get_processingTimeMs(self, message: Message) -> int | None:
        return None if message.parse_seconds is None else round(message.parse_seconds * 1000)

    def get_commonHeaders(self, message: Message) -> dict[str, Any]:
        """As SES's notification has them, which leaves out what a mail lacks."""
        lists = {name: header_text(message.addresses, name) for name in ("from", "to", "cc", "bcc")}
        texts = {
            "returnPath": message.envelope_from,
            "messageId": message.rfc_id,
            "subject": message.subject,
            "date": timestamp(message.received_at),
        }
        return {name: [text] for name, text in lists.items() if text} | {name: it for name, it in texts.items() if it}


class EmailSerializer(ReadModelSerializer[ReceivedEmail]):
    """An email with its bodies. The context has `raw`: the stored text, or None, and `deliveries`: how many there are."""

    emailId = serializers.CharField(source="pk")
    messageId = TextOrNull(source="message.rfc_id")
    subject = TextOrNull(source="message.subject")
    # `from` is a word of Python. See `get_fields`.
    from_ = TextOr(UNKNOWN, source="message.from_address")
    fromName = TextOrNull(source="message.from_name")
    to = _HeaderText("to", absent="")
    cc = _HeaderText("cc")
    bcc = _HeaderText("bcc")
    replyTo = _HeaderText("replyTo")
    recipient = TextOr(UNKNOWN)
    receivedAt = Timestamp(source="message.received_at")
    isRead = serializers.BooleanField(source="is_read")
    readAt = Timestamp(source="read_at")
    isArchived = serializers.BooleanField(source="is_archived")
    archivedAt = Timestamp(source="archived_at")
    content = _ContentSerializer(source="message")
    # The SDK's types have these here.
    textBody = TextOrNull(source="message.text")
    htmlBody = TextOrNull(source="message.html")
    attachments = _Attachments(source="message.attachments")
    rawUrl = SchemaOnly("string")
    addresses = _Addresses(source="message.addresses")
    metadata = _MetadataSerializer(source="message")
    security = _Security(source="message")
    processing = _ProcessingSerializer(source="message")
    createdAt = Timestamp(source="arrived_at")
    updatedAt = Timestamp(source="updated_at")
    status = EmailStatus()
    route = EmailRoute()
    threadId = serializers.SerializerMethodField()
    deliveries = SchemaOnly(STATS)

    class Meta:
        model = ReceivedEmail
        fields = [
            "id", "emailId", "messageId", "subject", "from_", "fromName", "to", "cc", "bcc", "replyTo", "recipient",
            "receivedAt", "isRead", "readAt", "isArchived", "archivedAt", "content", "textBody", "htmlBody", "attachments",
            "rawUrl", "addresses", "metadata", "security", "processing", "createdAt", "updatedAt",
            "status", "route", "threadId", "deliveries",
        ]  # fmt: skip

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {name.removesuffix("_"): field for name, field in super().get_fields().items()}

    def get_threadId(self, email: ReceivedEmail) -> str:
        return thread_id(email)

    def to_representation(self, instance: ReceivedEmail) -> dict[str, Any]:
        shown = super().to_representation(instance)
        url = self.context["raw_url"]
        shown["content"] |= {"rawContent": self.context["raw"], "rawUrl": url}
        return {**shown, "rawUrl": url, "deliveries": self.context["deliveries"]}
