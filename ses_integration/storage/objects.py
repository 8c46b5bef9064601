"""One stored mail: read it as a whole or piece by piece, store an imported one, and erase it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from ses_integration.aws import clients
from ses_integration.aws.clients import MAIL_READ_TIMEOUT, READ_TIMEOUT
from ses_integration.aws.translate import NO_ANSWER, aws_errors, body_errors, is_passing
from ses_integration.conf import ses_config
from ses_integration.errors import Refused, SesError, Unanswered
from ses_integration.storage.bucket import list_versions, open_bucket
from ses_integration.storage.delete import Version, delete_versions

CHUNK = 64 * 1024
# Looked at after each piece: a body that trickles must not keep a thread for ever.
FETCH_SECONDS = 180.0
ERASE_SECONDS = 20.0
# S3 answers once it has taken in the whole mail.
STORE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class StoredMail:
    """The object with exactly this key, in `bucket`, by default the configured one.

    `seconds`: how long a read waits for S3 to begin its answer, and for each piece of the body.
    A read raises Unanswered for a body that is cut, so what has been read is never taken for the whole mail.
    """

    key: str
    bucket: str = ""
    seconds: float = MAIL_READ_TIMEOUT

    def __post_init__(self) -> None:
        if not self.key or self.key.endswith("/"):
            # A folder, or a whole bucket.
            raise ValueError(f"Not the key of a mail: {self.key!r}")

    def fetch(self, into: BinaryIO, most: int) -> int:
        """Write the object, but at most the first `most` bytes, and return the object's size. Raises NotStored, SesError.

        What an error leaves in the file is incomplete.
        """
        size, body = self._open()
        left = min(size, most)
        until = time.monotonic() + FETCH_SECONDS
        try:
            while left:
                chunk = self._read(body, min(left, CHUNK))
                into.write(chunk)
                left -= len(chunk)
                if left and time.monotonic() > until:
                    raise Unanswered(NO_ANSWER)
            if size <= most:
                self._finish(body)
        finally:
            body.close()
        return size

    def stream(self) -> tuple[int, Iterator[bytes]]:
        """The size and the pieces of the object. Raises NotStored, SesError; so do the pieces.

        Close the iterator if it is not read to its end: it holds a connection to S3.
        """
        size, body = self._open()
        return size, self._pieces(size, body)

    def store(self, file: BinaryIO) -> None:
        """Write the object: all of the file, whatever the key has had before. Raises SesError."""
        config = ses_config()
        _, bucket = open_bucket(self.bucket)
        with aws_errors(f"PutObject {self.key!r}", on=bucket):
            clients.s3_mail(config.region, STORE_SECONDS).put_object(Bucket=bucket, Key=self.key, Body=file)

    def erase(self, *, seconds: float = ERASE_SECONDS) -> int:
        """Delete every version and delete marker of this key, and return their number. Raises SesError.

        Ends after about `seconds`. May be repeated.
        """
        s3, bucket = open_bucket(self.bucket, seconds=min(seconds, READ_TIMEOUT))
        until = time.monotonic() + seconds
        erased, more = 0, True
        while more:
            versions, more = self._versions(s3, bucket)
            codes = delete_versions(s3, bucket, versions, until=until) if versions else {}
            erased += sum(not code for code in codes.values())
            if refused := [code for code in codes.values() if code]:
                raise _refusal(refused)
            if len(codes) < len(versions) or (more and time.monotonic() > until):
                raise Unanswered("S3 took too long to delete the object.")
        return erased

    def _open(self) -> tuple[int, Any]:
        config = ses_config()
        _, bucket = open_bucket(self.bucket)
        with aws_errors(f"GetObject {self.key!r}", on=bucket):
            answer = clients.s3_mail(config.region, self.seconds).get_object(Bucket=bucket, Key=self.key)
        return answer["ContentLength"], answer["Body"]

    def _read(self, body: Any, most: int) -> bytes:
        with body_errors(f"GetObject {self.key!r}"):
            chunk: bytes = body.read(most)
        if not chunk:
            raise Unanswered(NO_ANSWER)
        return chunk

    def _finish(self, body: Any) -> None:
        """Read the end of the body, where botocore compares length and checksum, and frees the connection."""
        with body_errors(f"GetObject {self.key!r}"):
            more = body.read(1)
        if more:
            raise Unanswered(NO_ANSWER)

    def _pieces(self, size: int, body: Any) -> Iterator[bytes]:
        try:
            left = size
            while left:
                chunk = self._read(body, min(left, CHUNK))
                left -= len(chunk)
                yield chunk
            self._finish(body)
        finally:
            body.close()

    def _versions(self, s3: Any, bucket: str) -> tuple[list[Version], bool]:
        """Up to 1,000 versions, and whether there may be more. S3 lists those of longer keys after them."""
        page = list_versions(s3, bucket, self.key)
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        versions = [(item["Key"], item["VersionId"]) for item in found if item["Key"] == self.key]
        return versions, bool(versions) and page.get("IsTruncated", False)


def _refusal(codes: list[str]) -> SesError:
    final = [code for code in codes if not is_passing(code)]
    code = (final or codes)[0]
    error = Refused(f"S3 did not delete the object ({code}).", needs_attention=bool(final))
    error.code = code
    return error
