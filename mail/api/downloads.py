"""Answers that are files (docs/api/compatibility.md, "Downloads")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import APIException, NotFound, PermissionDenied
from rest_framework.request import Request

from mail.downloads.headers import RAW, download_headers
from mail.downloads.stored import NoSuchAttachment, open_attachment, open_mail
from mail.downloads.wording import BUSY, NO_STORE
from mail.models import Message
from mail.parsing.pool import Busy, Unreadable
from rest.errors import Gone, Unavailable, Unprocessable
from rest.filters import flag
from ses_integration.api import NotStored, SesError

UNSAFE = "unsafe"
VIRUS = f"SES found a virus in this mail. Add ?{UNSAFE}=true to download it all the same."
NO_ATTACHMENT = "Attachment not found"
GONE = "Stored message is gone"

# The first that fits counts.
ERRORS: Mapping[type[Exception], Callable[[Any], APIException]] = {
    NoSuchAttachment: lambda _: NotFound(NO_ATTACHMENT),
    NotStored: lambda _: Gone(GONE),
    SesError: lambda _: Unavailable(NO_STORE),
    Busy: lambda _: Unavailable(BUSY),
    Unreadable: lambda error: Unprocessable(f"The attachment cannot be decoded. {error}"),
}
PARAMETERS = {UNSAFE: {"type": "boolean"}}


def raw_answer(request: Request, message: Message, name: str) -> HttpResponseBase:
    """The message as SES has stored it. Raises PermissionDenied and `ERRORS`."""
    _refuse_virus(request, message)
    size, pieces = open_mail(message)
    headers = {**download_headers(name, RAW), "Content-Length": str(size)}
    if request.method != "HEAD":
        return StreamingHttpResponse(pieces, headers=headers)
    pieces.close()
    return HttpResponse(headers=headers)


def attachment_answer(request: Request, message: Message, index: int) -> HttpResponseBase:
    """An attachment, decoded. Raises PermissionDenied and `ERRORS`."""
    _refuse_virus(request, message)
    found, file = open_attachment(message, index)
    headers = download_headers(found.filename or f"attachment-{index + 1}", found.content_type)
    answer = FileResponse(file, headers=headers, content_type=headers.pop("Content-Type"))
    if request.method != "HEAD":
        return answer
    answer.close()
    return HttpResponse(headers={**answer.headers})


def _refuse_virus(request: Request, message: Message) -> None:
    """Raise PermissionDenied for a mail in which SES found a virus, unless the client asks for it all the same."""
    unsafe = flag(UNSAFE, request.query_params.get(UNSAFE))
    if message.has_virus and not unsafe:
        raise PermissionDenied(VIRUS)
