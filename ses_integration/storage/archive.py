"""One archive in S3: stored part by part with a multipart upload, which other processes can go on with, or at once; and read at
any place."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, ClassVar, cast

from ses_integration.aws import clients
from ses_integration.aws.translate import aws_errors, body_errors
from ses_integration.conf import ses_config
from ses_integration.errors import NotFound, NotStored, Refused, SesError
from ses_integration.storage.bucket import open_bucket
from ses_integration.storage.objects import StoredMail

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# S3 answers once it has taken in the whole part, and may need a while to put them together.
SECONDS = 60.0
# What is read at once, and how much of it is kept: a reader has a few places, at each of which it goes on.
BLOCK, KEPT_BLOCKS = 4 * 1024 * 1024, 4


class UploadOver(SesError):
    """Somebody, or a rule of the bucket, has ended the upload, so its parts are gone."""

    def __init__(self) -> None:
        super().__init__("The upload of the archive was ended by somebody else, or by a rule of the bucket.")


class Replaced(NotStored):
    """Somebody has stored another object with the key."""

    def __init__(self) -> None:
        super().__init__("The archive in the bucket is not the one that was stored there.")


@dataclass(frozen=True, slots=True)
class StoredArchive:
    """The object with exactly this key, in `bucket`, by default the configured one."""

    key: str
    bucket: str = ""

    # For the apps, which catch it.
    UploadOver: ClassVar = UploadOver

    def begin(self) -> str:
        """Begin an upload, and return its id. Raises SesError."""
        s3, bucket = self._open()
        with aws_errors(f"CreateMultipartUpload {self.key}", on=bucket):
            answer: Any = s3.create_multipart_upload(Bucket=bucket, Key=self.key, ContentType="application/zip")
        return str(answer["UploadId"])

    def upload(self, upload: str, number: int, file: IO[bytes]) -> str:
        """Store a part, instead of an earlier one with this number, and return its tag. Raises SesError, and UploadOver."""
        s3, bucket = self._open()
        try:
            with aws_errors(f"UploadPart {self.key} {number}", on=bucket):
                answer: Any = s3.upload_part(Bucket=bucket, Key=self.key, UploadId=upload, PartNumber=number, Body=file)
        except NotFound:
            raise UploadOver from None
        return str(answer["ETag"])

    def complete(self, upload: str, parts: Iterable[tuple[int, str]], size: int) -> None:
        """Put the parts together, given by number and tag. Nothing happens if an earlier call has done that.

        Raises SesError, and UploadOver if there is no object of this `size`.
        """
        s3, bucket = self._open()
        listed: Any = [{"PartNumber": number, "ETag": tag} for number, tag in parts]
        try:
            with aws_errors(f"CompleteMultipartUpload {self.key}", on=bucket):
                s3.complete_multipart_upload(
                    Bucket=bucket, Key=self.key, UploadId=upload, MultipartUpload={"Parts": listed}
                )
        except NotFound:
            if self.size() != size:
                raise UploadOver from None

    def store(self, file: IO[bytes]) -> str:
        """Write the object at once, and return its tag. Nothing is there before S3 has all of it. Raises SesError."""
        s3, bucket = self._open()
        with aws_errors(f"PutObject {self.key}", on=bucket):
            answer: Any = s3.put_object(Bucket=bucket, Key=self.key, Body=file, ContentType="application/zip")
        return str(answer["ETag"])

    def open(self, tag: str, size: int) -> StoredFile:
        """The object with this tag and size, to be read at any place."""
        return StoredFile(self, tag, size)

    def read(self, tag: str, start: int, end: int) -> bytes:
        """The bytes from `start` to before `end` of the object with this tag. Raises NotStored, also as Replaced, and SesError."""
        s3, bucket = self._open()
        name = f"GetObject {self.key} {start}"
        try:
            with aws_errors(name, on=bucket):
                answer = s3.get_object(Bucket=bucket, Key=self.key, Range=f"bytes={start}-{end - 1}", IfMatch=tag)
        except Refused as error:
            if error.code != "PreconditionFailed":
                raise
            raise Replaced from error
        with answer["Body"] as body, body_errors(name):
            content: bytes = body.read()
        return content

    def size(self) -> int | None:
        """The size of the object, or None if there is none. Raises SesError."""
        try:
            size, pieces = self.stream()
        except NotStored:
            return None
        cast("Generator[bytes, None, None]", pieces).close()
        return size

    def stream(self, *, seconds: float = SECONDS) -> tuple[int, Iterator[bytes]]:
        """The size and the pieces of the object. As `StoredMail.stream`."""
        return StoredMail(self.key, self.bucket, seconds).stream()

    def erase(self) -> int:
        """Delete the object with every version, and end every upload of it. Returns how many of both there were.

        Raises SesError.
        """
        s3, bucket = self._open()
        with aws_errors(f"ListMultipartUploads {self.key}", on=bucket):
            page: Any = s3.list_multipart_uploads(Bucket=bucket, Prefix=self.key)
        uploads = [upload["UploadId"] for upload in page.get("Uploads", []) if upload["Key"] == self.key]
        for upload in uploads:
            self.abort(upload)
        return len(uploads) + StoredMail(self.key, self.bucket).erase()

    def abort(self, upload: str) -> None:
        """End an upload, and let S3 delete its parts. Nothing happens if it is over. Raises SesError."""
        s3, bucket = self._open()
        with suppress(NotFound), aws_errors(f"AbortMultipartUpload {self.key}", on=bucket):
            s3.abort_multipart_upload(Bucket=bucket, Key=self.key, UploadId=upload)

    def _open(self) -> tuple[S3Client, str]:
        config = ses_config()
        _, bucket = open_bucket(self.bucket)
        return clients.s3_mail(config.region, SECONDS), bucket


class StoredFile:
    """A stored archive as a file for one thread. Each read may raise NotStored, Replaced and SesError."""

    def __init__(self, archive: StoredArchive, tag: str, size: int) -> None:
        self._archive = archive
        self._tag = tag
        self._size = size
        self._at = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def read(self, count: int = -1) -> bytes:
        end = self._size if count < 0 else min(self._size, self._at + count)
        pieces = []
        while self._at < end:
            number, skipped = divmod(self._at, BLOCK)
            piece = self._block(number)[skipped : skipped + end - self._at]
            pieces.append(piece)
            self._at += len(piece)
        return b"".join(pieces)

    def _block(self, number: int) -> bytes:
        if (block := self._blocks.get(number)) is None:
            start = number * BLOCK
            block = self._archive.read(self._tag, start, min(start + BLOCK, self._size))
            self._blocks[number] = block
            if len(self._blocks) > KEPT_BLOCKS:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(number)
        return block
