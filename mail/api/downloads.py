"""Answers that are files (docs/api/compatibility.md, "Downloads")."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from mail.downloads.headers import download_headers
from mail.models import Message
from rest.filters import flag

UNSAFE = "unsafe"
VIRUS = f"SES found a virus in this mail. Add ?{UNSAFE}=true to download it all the same."


def has_virus(message: Message) -> bool:
    return message.virus == "FAIL"


def refuse_virus(request: Request, message: Message) -> None:
    """Raise PermissionDenied for a mail in which SES found a virus, unless the client asks for it all the same."""
    unsafe = flag(UNSAFE, request.query_params.get(UNSAFE))
    if has_virus(message) and not unsafe:
        raise PermissionDenied(VIRUS)


def file_answer(
    request: Request, size: int, pieces: Iterator[bytes], *, media_type: str, name: str
) -> HttpResponseBase:
    """A file in pieces, or only its headers."""
    headers = {**download_headers(name, media_type), "Content-Length": str(size)}
    if request.method != "HEAD":
        return StreamingHttpResponse(pieces, headers=headers)
    # A generator that has not begun has nothing to clean up, so begin.
    next(pieces, None)
    pieces.close()  # type: ignore[attr-defined]  # a generator
    return HttpResponse(headers=headers)
