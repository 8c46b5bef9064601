"""Resumable erasure of stored mail under one prefix: every version and delete marker, page by page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_integration.aws.clients import READ_TIMEOUT
from ses_integration.aws.translate import aws_errors
from ses_integration.storage.bucket import list_versions, open_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class EraseProgress:
    """Position of a pass through a prefix: `key` and `version` that S3 last refused to delete, empty if none.

    The pass continues after them. Deleted versions need no position, because S3 no longer lists them. `refused`: number of
    refused versions in this pass. `code`: S3's error code for the first of them.
    """

    key: str = ""
    version: str = ""
    refused: int = 0
    code: str = ""

    @property
    def problem(self) -> str:
        if not self.refused:
            return ""
        return (
            f"S3 keeps {self.refused} stored objects ({self.code}): look for object lock in the bucket, and whether "
            "s3:DeleteObjectVersion is allowed."
        )


@dataclass(frozen=True, slots=True)
class ErasedBatch:
    """What one call erased, as confirmed by S3. `versions` include the `delete_markers`.

    `at_the_end`: S3 lists nothing after `progress`, so the pass is over. Everything is gone if nothing was refused.
    """

    progress: EraseProgress
    versions: int = 0
    delete_markers: int = 0
    bytes: int = 0
    at_the_end: bool = False


@dataclass(frozen=True, slots=True)
class Erasure:
    """What one run erased. `finished`: nothing is left. Otherwise `problem` may say why."""

    versions: int
    finished: bool
    problem: str = ""


def erase(prefix: str, *, seconds: float, bucket: str = "") -> Erasure:
    """Delete everything under `prefix`, for about `seconds`. Repeat it until `finished`. Raises SesError."""
    erased = 0
    batch = ErasedBatch(EraseProgress())
    for batch in erase_batches(prefix, seconds=seconds, bucket=bucket):
        erased += batch.versions
    problem = batch.progress.problem
    return Erasure(versions=erased, finished=batch.at_the_end and not problem, problem=problem)


def erase_batches(
    prefix: str, progress: EraseProgress | None = None, *, seconds: float, bucket: str = ""
) -> Iterator[ErasedBatch]:
    """Delete what is under `prefix` and after `progress`, page by page, for about `seconds`. Raises SesError.

    The next page is listed when the caller asks for the next batch. A caller that records each batch first counts nothing
    twice. If it crashes between S3's answer and the record, its count lacks one page (at most 1,000 versions).
    An empty `bucket` is the configured one, here and in the other functions of this module.
    """
    progress = progress or EraseProgress()
    s3, bucket = _open(prefix, bucket, seconds)
    until = time.monotonic() + seconds
    while True:
        page = list_versions(s3, bucket, prefix, after=(progress.key, progress.version))
        markers = page.get("DeleteMarkers", [])
        found = [*page.get("Versions", []), *markers]
        if not found:
            yield ErasedBatch(progress, at_the_end=True)
            return
        with aws_errors(f"DeleteObjects {prefix}"):
            answer = s3.delete_objects(
                Bucket=bucket,
                Delete={
                    "Objects": [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found],
                    "Quiet": True,
                },
            )
        errors = answer.get("Errors", [])
        refused = _refused(found, errors)
        progress = _advance(progress, refused, errors)
        kept = {_key_and_version(item) for item in refused}
        yield ErasedBatch(
            progress,
            versions=len(found) - len(kept),
            delete_markers=sum(_key_and_version(item) not in kept for item in markers),
            bytes=sum(item["Size"] for item in page.get("Versions", []) if _key_and_version(item) not in kept),
        )
        if time.monotonic() >= until:
            return


def is_empty(prefix: str, *, bucket: str = "") -> bool:
    """Whether S3 holds nothing under `prefix`, not even a delete marker. One call. Raises SesError."""
    s3, bucket = _open(prefix, bucket)
    page = list_versions(s3, bucket, prefix, max_keys=1)
    return not page.get("Versions") and not page.get("DeleteMarkers")


def _open(prefix: str, bucket: str, seconds: float = READ_TIMEOUT) -> tuple[S3Client, str]:
    if not prefix.endswith("/"):
        # `emails/example.co` is also a prefix of example.com's mail.
        raise ValueError(f"A prefix to erase must end with a slash: {prefix!r}")
    return open_bucket(bucket, seconds=seconds)


def _refused(found: list[Any], errors: list[Any]) -> list[Any]:
    # If S3 does not name the version, no version of the key counts as erased.
    named = {(error.get("Key"), error.get("VersionId")) for error in errors}
    return [item for item in found if _key_and_version(item) in named or (item["Key"], None) in named]


def _key_and_version(item: Any) -> tuple[str, str]:
    return item["Key"], item["VersionId"]


def _advance(progress: EraseProgress, refused: list[Any], errors: list[Any]) -> EraseProgress:
    if not refused:
        return progress
    # S3 can continue only after a version that still exists. It lists by key, newest version first, and delete markers
    # separately. Its times are whole seconds: within one, only the order of the list tells which version is older.
    last = max(
        reversed(refused),
        key=lambda item: (item["Key"], not item.get("IsLatest"), -item["LastModified"].timestamp()),
    )
    return EraseProgress(
        key=last["Key"],
        version=last["VersionId"],
        refused=progress.refused + len(refused),
        code=progress.code or errors[0].get("Code", "unknown reason"),
    )
