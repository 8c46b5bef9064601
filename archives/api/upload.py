"""An archive as the file of a form: it is received on disk, and only a few at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import IO, Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from rest_framework.exceptions import APIException, UnsupportedMediaType
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request

from archives.uploads import room
from archives.uploads.room import most_bytes, too_large
from mail.parsing.pool import Busy
from rest.errors import Unavailable

FORM = "multipart/form-data"
NO_FORM = f"Send the archive as `file` of a form, with the content type {FORM}."
NO_SPACE = "The server has no room for the file at the moment. Try again later, or ask whoever runs this installation."
# Of the form besides the file.
REST = 64 * 1024


class TooLarge(APIException):
    status_code = 413

    def __init__(self) -> None:
        super().__init__(too_large())


@contextmanager
def place() -> Iterator[None]:
    """A place for an import. Raises Unavailable if there is none."""
    try:
        with room.place():
            yield
    except Busy:
        raise Unavailable(room.BUSY) from None


@contextmanager
def received(request: Request) -> Iterator[Any]:
    """The form of a request. Its files are closed at the end."""
    with ExitStack() as held:
        request.parser_context["held"] = held
        yield request.data


class ArchiveParser(MultiPartParser):
    """Receives the form, if it is not larger than its length may say."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        assert parser_context is not None
        request = parser_context["request"]
        kind = media_type or ""
        if kind.partition(";")[0].strip().lower() != FORM:
            raise UnsupportedMediaType(kind, NO_FORM)
        if int(request.META.get("CONTENT_LENGTH") or 0) > most_bytes() + REST:
            raise TooLarge
        request.upload_handlers = [OnDisk(parser_context["held"])]
        return super().parse(stream, media_type, parser_context)


class OnDisk(FileUploadHandler):
    """Writes a file to one without a name, of which nothing is left if the process is killed."""

    def __init__(self, held: ExitStack) -> None:
        super().__init__()
        self._held = held
        self._received = 0
        self._file: IO[bytes] | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._file = self._held.enter_context(tempfile.TemporaryFile())  # noqa: SIM115

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        assert self._file is not None
        self._received += len(raw_data)
        if self._received > most_bytes():
            raise TooLarge
        try:
            self._file.write(raw_data)
        except OSError as error:
            raise Unavailable(NO_SPACE) from error

    def file_complete(self, file_size: int) -> UploadedFile[bytes]:
        assert self._file is not None
        return UploadedFile(self._file, self.file_name, self.content_type, file_size)
