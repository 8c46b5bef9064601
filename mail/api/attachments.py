"""The files of an email: the stored message and its attachments (docs/api/compatibility.md, "Downloads")."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from mail import content
from mail.api.detail import shown_attachment
from mail.api.downloads import UNSAFE, file_answer, refuse_virus
from mail.downloads.headers import BINARY, RAW, safe_filename
from mail.models import Message, ReceivedEmail, ReceivedEmailQuerySet
from mail.parsing.pool import Busy, Unreadable
from rest.errors import Gone, Unavailable, Unprocessable
from rest.fields import SchemaOnly
from rest.viewsets import OwnedViewSet
from ses_integration.api import NotStored, SesError

NO_ATTACHMENT = "Attachment not found"
GONE = "Stored message is gone"
NO_STORE = "The mail store does not answer at the moment. Try again in a few seconds."
BUSY = "Too many attachments are being decoded at the moment. Try again in a few seconds."

# The first that fits counts.
FILE_ERRORS: dict[type[Exception], Any] = {
    NotStored: lambda _: Gone(GONE),
    SesError: lambda _: Unavailable(NO_STORE),
    Busy: lambda _: Unavailable(BUSY),
    Unreadable: lambda error: Unprocessable(f"The attachment could not be decoded. {error}"),
}
UNSAFE_PARAMETER = {UNSAFE: {"type": "boolean"}}


class AttachmentSerializer(serializers.Serializer[Any]):
    index = SchemaOnly("integer")
    filename = SchemaOnly("string", nullable=True)
    contentType = SchemaOnly("string")
    size = SchemaOnly("integer")
    contentId = SchemaOnly("string", nullable=True)
    contentDisposition = SchemaOnly("string", nullable=True)
    downloadUrl = SchemaOnly("string")


class AttachmentsSerializer(serializers.Serializer[Any]):
    pagination = SchemaOnly("object")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # A serializer has an attribute `data` of its own.
        return {"data": AttachmentSerializer(many=True), **super().get_fields()}


class FileActions(OwnedViewSet[ReceivedEmail]):
    """Mixin with the files of one email."""

    @action(detail=True)
    def raw(self, request: Request, pk: str) -> HttpResponseBase:
        """The message as SES has stored it."""
        message = self.get_object().message
        refuse_virus(request, message)
        size, pieces = content.raw_bytes(message)
        return file_answer(request, size, pieces, media_type=RAW, name=f"{pk}.eml")

    @action(detail=True)
    def attachments(self, request: Request, pk: str) -> Response:
        found = self.get_object().message.attachments
        pages: Any = self.paginator
        shown = [
            {"index": index, **shown_attachment(each), "downloadUrl": self.reverse_action("attachment", [pk, index])}
            for index, each in pages.slice(found, request, self)
        ]
        answer: Response = pages.get_paginated_response(shown)
        return answer

    @action(detail=True, url_path="attachments/<str:index>")
    def attachment(self, request: Request, pk: str, index: str) -> HttpResponseBase:
        message = self.get_object().message
        found = message.attachments
        if not (index.isascii() and index.isdigit()) or len(index) > 9 or int(index) >= len(found):
            raise NotFound(NO_ATTACHMENT)
        return attachment_answer(request, message, int(index))


class NamedAttachmentViewSet(OwnedViewSet[ReceivedEmail]):
    """`/attachments/{mailId}/{filename}`: the first attachment with a name."""

    queryset = ReceivedEmail.objects.live()
    not_found = "Email not found or access denied"
    # Not used: the only action answers with a file.
    serializer_class = AttachmentSerializer
    files = {"named": BINARY}
    parameters = {"named": UNSAFE_PARAMETER}
    errors = FILE_ERRORS

    def get_queryset(self) -> ReceivedEmailQuerySet:
        rows: Any = super().get_queryset()
        return with_files(rows)

    @action(detail=True, url_path="<path:filename>")
    def named(self, request: Request, pk: str, filename: str) -> HttpResponseBase:
        if not filename.strip():
            raise ValidationError("Email ID and attachment filename are required")
        message = self.get_object().message
        if not message.attachments:
            raise NotFound("No attachments found in this email")
        names = [each["filename"] or "" for each in message.attachments]
        for known in (names, [safe_filename(name) for name in names]):
            if filename in known:
                return attachment_answer(request, message, known.index(filename))
        raise NotFound(NO_ATTACHMENT)


def with_files(rows: ReceivedEmailQuerySet) -> ReceivedEmailQuerySet:
    """Read what downloads need, without the texts."""
    columns = ("bucket", "key", "size", "virus", "attachments", "state")
    return rows.select_related("message").only("id", *(f"message__{name}" for name in columns))


def attachment_answer(request: Request, message: Message, index: int) -> HttpResponseBase:
    refuse_virus(request, message)
    found = content.attachment_bytes(message, index)
    if found is None:
        raise NotFound(NO_ATTACHMENT)
    size, pieces = found
    described = message.attachments[index]
    name = described["filename"] or f"attachment-{index + 1}"
    return file_answer(request, size, pieces, media_type=described["content_type"], name=name)
