"""An archive as a download."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from typing import cast

from django.http import StreamingHttpResponse

from archives.exports.audit import downloaded
from archives.models import Export
from mail.downloads.headers import download_headers
from mail.downloads.room import room
from mail.downloads.stored import DOWNLOAD_SECONDS, Pieces

MEDIA_TYPE = "application/zip"


def archive_answer(export: Export) -> StreamingHttpResponse:
    """The archive as a file. Raises Busy (`mail.parsing.pool`), NotStored and SesError; the pieces raise them, too."""
    with ExitStack() as held:
        held.enter_context(room())
        size, pieces = export.archive.stream(seconds=DOWNLOAD_SECONDS)
        more = cast("Generator[bytes, None, None]", pieces)
        held.callback(more.close)
        downloaded(export)
        archive = Pieces(next(more, b""), more, held.pop_all())
    return StreamingHttpResponse(archive, headers={**headers_of(export), "Content-Length": str(size)})


def headers_of(export: Export) -> dict[str, str]:
    return download_headers(f"{export.domain_name}-{export.created_at:%Y-%m-%d}.zip", MEDIA_TYPE)
