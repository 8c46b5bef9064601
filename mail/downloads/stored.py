"""Stored mail as it is, and its attachments, which are decoded in a process of their own."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from functools import cache
from io import BytesIO
from typing import BinaryIO, cast

from django.conf import settings

from mail.downloads.room import room
from mail.models import Message
from mail.parsing import limits
from mail.parsing.parsed import ParsedAttachment
from mail.parsing.pool import ParserPool
from ses_integration.api import StoredMail

IN_MEMORY = 1024 * 1024
# Of a mail that is shown as text.
MOST_TEXT = 256 * 1024
# How long S3 may take to begin its answer, and for each piece: while somebody waits for a download, or for a text that may be
# left out.
DOWNLOAD_SECONDS, TEXT_SECONDS = 15.0, 3.0
# They start with the first request for an attachment.
PARSERS = 2


class NoSuchAttachment(Exception):
    """The mail has no attachment at this position."""


@cache
def parsers() -> ParserPool:
    """Those of this process."""
    return ParserPool(PARSERS, seconds=settings.MAIL_PARSE_SECONDS, megabytes=settings.MAIL_PARSE_MB)


class Pieces:
    """The pieces of a mail, of which the first has been read. `close` lets go of what is held, wherever it was left.

    Closing the generator is not enough: it releases its connection only if it has started, which a HEAD request never does.
    """

    def __init__(self, first: bytes, more: Iterator[bytes], held: ExitStack) -> None:
        self._first = first
        self._more = more
        self._held = held

    def __iter__(self) -> Iterator[bytes]:
        yield self._first
        yield from self._more

    def close(self) -> None:
        self._held.close()


class _Content(tempfile.SpooledTemporaryFile[bytes]):
    """A file that is deleted when it is closed, which also lets go of what is held."""

    def __init__(self, held: ExitStack) -> None:
        super().__init__(IN_MEMORY)
        self._held = held

    def close(self) -> None:
        super().close()
        self._held.close()


def open_mail(message: Message) -> tuple[int, Pieces]:
    """Size and pieces of a mail as SES stored it. Raises Busy, and SesError; so do the pieces."""
    with ExitStack() as held:
        held.enter_context(room())
        size, pieces = StoredMail(message.key, message.bucket, DOWNLOAD_SECONDS).stream()
        more = cast("Generator[bytes, None, None]", pieces)
        held.callback(more.close)
        return size, Pieces(next(more, b""), more, held.pop_all())


def open_attachment(message: Message, index: int) -> tuple[ParsedAttachment, BinaryIO]:
    """An attachment, and its bytes in a file that is deleted when it is closed.

    Raises NoSuchAttachment, SesError, and Busy or Unreadable (`mail.parsing.pool`).
    """
    held = ExitStack()
    held.enter_context(room())
    # The response closes it.
    content = cast(BinaryIO, _Content(held))
    try:
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as mail:
            StoredMail(message.key, message.bucket, DOWNLOAD_SECONDS).fetch(cast(BinaryIO, mail), limits.FETCHED)
            mail.seek(0)
            found = parsers().extract(cast(BinaryIO, mail), index, content)
    except BaseException:
        content.close()
        raise
    if found is None:
        content.close()
        raise NoSuchAttachment
    content.seek(0)
    return found, content


def raw_text(message: Message) -> str | None:
    """A mail as text. None if it is large, is not UTF-8, or has a virus. Raises SesError, and soon."""
    if message.size is None or message.size > MOST_TEXT or message.has_virus:
        return None
    content = BytesIO()
    StoredMail(message.key, message.bucket, TEXT_SECONDS).fetch(content, MOST_TEXT)
    try:
        return content.getvalue().decode()
    except UnicodeDecodeError:
        return None
