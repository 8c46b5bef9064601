"""Which files the admin receives: archives, from whom may import them. Django receives a form before it looks at permissions."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload

from archives.uploads.room import most_bytes


class OnlyArchives(FileUploadHandler):
    """Ends the upload of everything else, and of what is too large: `request.too_large` says so. For FILE_UPLOAD_HANDLERS."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._received = 0
        user = getattr(self.request, "user", None)
        if user is None or not user.has_perm("archives.add_import"):
            raise StopUpload(connection_reset=True)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self._received += len(raw_data)
        if self._received > most_bytes():
            self.request.too_large = True  # type: ignore[union-attr]
            raise StopUpload(connection_reset=True)
        return raw_data

    def file_complete(self, file_size: int) -> UploadedFile[bytes] | None:
        return None
