"""The content of a stored mail: its bytes, and the attachments in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import cache
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from django.conf import settings

from mail.models import Message
from mail.parsing import limits
from mail.parsing.pool import ParserPool
from ses_integration.api import SesError, StoredMail

# Of a mail whose text is part of an answer.
MOST_TEXT = 256 * 1024
# How long S3 may take, for that text and for a download.
TEXT_SECONDS, DOWNLOAD_SECONDS = 3.0, 15.0
# Children of a web process that decode attachments. Each takes up to MAIL_PARSE_MB of memory while it works.
PARSERS = 2
IN_MEMORY = 1024 * 1024
CHUNK = 256 * 1024


def raw_text(message: Message) -> str | None:
    """The stored mail as text. None if it is large or not UTF-8, or if S3 does not answer soon."""
    if message.size is None or message.size > MOST_TEXT:
        return None
    content = BytesIO()
    try:
        StoredMail(message.key, message.bucket, TEXT_SECONDS).fetch(content, MOST_TEXT)
        return content.getvalue().decode()
    except (SesError, UnicodeDecodeError):
        return None


def raw_bytes(message: Message) -> tuple[int, Iterator[bytes]]:
    """The size and the pieces of the stored mail. Raises NotStored, SesError; the pieces do, too."""
    return StoredMail(message.key, message.bucket, DOWNLOAD_SECONDS).stream()


def attachment_bytes(message: Message, index: int) -> tuple[int, Iterator[bytes]] | None:
    """The size and the pieces of an attachment, decoded. None if the mail has none at this position.

    Raises NotStored, SesError, `Unreadable` and `Busy`.
    """
    decoded = _temporary_file()
    try:
        with closing(_temporary_file()) as stored:
            StoredMail(message.key, message.bucket, DOWNLOAD_SECONDS).fetch(stored, limits.RAW)
            found = _parsers().extract(stored, index, decoded)
    except BaseException:
        decoded.close()
        raise
    if found is None:
        decoded.close()
        return None
    size = decoded.tell()
    decoded.seek(0)
    return size, _Pieces(decoded)


class _Pieces(Iterator[bytes]):
    """The pieces of a file, which is closed at its end. Unlike a generator, `close` closes it also before the first piece."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __next__(self) -> bytes:
        if self._file.closed or not (piece := self._file.read(CHUNK)):
            self.close()
            raise StopIteration
        return piece

    def close(self) -> None:
        self._file.close()


def _temporary_file() -> BinaryIO:
    return cast(BinaryIO, SpooledTemporaryFile(max_size=IN_MEMORY))


@cache
def _parsers() -> ParserPool:
    return ParserPool(PARSERS, seconds=settings.MAIL_PARSE_SECONDS, megabytes=settings.MAIL_PARSE_MB)
