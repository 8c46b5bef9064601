"""The files of an email: the stored message and its attachments (docs/api/compatibility.md, "Downloads")."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from mail.api import downloads
from mail.downloads.headers import BINARY, safe_filename
from mail.models import ReceivedEmail, ReceivedEmailQuerySet
from mail.shapes import shown_attachment
from rest.fields import SchemaOnly
from rest.schema.parts import PAGINATION
from rest.viewsets import OwnedViewSet


class _AttachmentSerializer(serializers.Serializer[Any]):
    index = SchemaOnly("integer")
    filename = SchemaOnly("string", nullable=True)
    contentType = SchemaOnly("string")
    size = SchemaOnly("integer")
    contentId = SchemaOnly("string", nullable=True)
    contentDisposition = SchemaOnly("string", nullable=True)
    downloadUrl = SchemaOnly("string")


class AttachmentsSerializer(serializers.Serializer[Any]):
    """Describes the list of attachments for schema generators."""

    pagination = SchemaOnly(PAGINATION)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # A serializer has an attribute `data` of its own.
        return {"data": _AttachmentSerializer(many=True), **super().get_fields()}


class FileActions(OwnedViewSet[ReceivedEmail]):
    """Mixin with the files of one email."""

    @action(detail=True)
    def raw(self, request: Request, pk: str) -> HttpResponseBase:
        """Download the message as it was received."""
        return downloads.raw_answer(request, self.get_object().message, f"{pk}.eml")

    @action(detail=True)
    def attachments(self, request: Request, pk: str) -> Response:
        """List an email's attachments with links."""
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
        """Download an attachment by its position from 0."""
        message = self.get_object().message
        if not (index.isascii() and index.isdigit()) or len(index) > 9 or int(index) >= len(message.attachments):
            raise NotFound(downloads.NO_ATTACHMENT)
        return downloads.attachment_answer(request, message, int(index))


class NamedAttachmentViewSet(OwnedViewSet[ReceivedEmail]):
    """`/attachments/{mailId}/{filename}`: the first attachment with a name."""

    queryset = ReceivedEmail.objects.live()
    not_found = "Email not found or access denied"
    # Not used: the only action answers with a file.
    serializer_class = AttachmentsSerializer
    files = {"named": BINARY}
    parameters = {"named": downloads.PARAMETERS}
    errors = downloads.ERRORS

    def get_queryset(self) -> ReceivedEmailQuerySet:
        rows: Any = super().get_queryset()
        return with_files(rows)

    @action(detail=True, url_path="<path:filename>")
    def named(self, request: Request, pk: str, filename: str) -> HttpResponseBase:
        """Download the first attachment with a name."""
        if not filename.strip():
            raise ValidationError("Email ID and attachment filename are required")
        message = self.get_object().message
        if not message.attachments:
            raise NotFound("No attachments found in this email")
        names = [each["filename"] or "" for each in message.attachments]
        # As the mail has it, or as a download was saved.
        for known in (names, [safe_filename(name) for name in names]):
            if filename in known:
                return downloads.attachment_answer(request, message, known.index(filename))
        raise NotFound(downloads.NO_ATTACHMENT)


def with_files(rows: ReceivedEmailQuerySet) -> ReceivedEmailQuerySet:
    """Read what downloads need, without the texts."""
    columns = ("bucket", "key", "size", "virus", "attachments")
    return rows.select_related("message").only("id", *(f"message__{name}" for name in columns))
