"""Erasure of what SES has stored in S3 under one prefix: every version and delete marker, a page at a time, resumable."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_integration.aws.clients import READ_TIMEOUT
from ses_integration.aws.translate import aws_errors
from ses_integration.conf import ses_config
from ses_integration.storage.bucket import list_versions, open_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class EraseProgress:
    """How far one pass through a prefix has come: behind the last version that S3 refused to delete, if there is any.

    A pass continues behind refused versions, so that they hide nothing. Deleted versions need no marker: S3 does not list them
    again. `refused` is their number in this pass, and `code` S3's error code for the first.
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
    """What one call has erased, as S3 confirmed it. `versions` include the `delete_markers`.

    `at_the_end`: nothing is listed behind `progress` any more, so the pass is over. Everything is gone if nothing was refused.
    """

    progress: EraseProgress
    versions: int = 0
    delete_markers: int = 0
    bytes: int = 0
    at_the_end: bool = False


@dataclass(frozen=True, slots=True)
class Erasure:
    """What one run has done. `finished`: nothing is listed after the last deletion. Otherwise `problem` may say why."""

    versions: int
    finished: bool
    problem: str = ""


def erase(prefix: str, *, seconds: float) -> Erasure:
    """Delete everything under `prefix`, for about `seconds`; repeat it until it is `finished`. Raises SesError."""
    erased = 0
    batch = ErasedBatch(EraseProgress())
    for batch in erase_batches(prefix, seconds=seconds):
        erased += batch.versions
    problem = batch.progress.problem
    return Erasure(versions=erased, finished=batch.at_the_end and not problem, problem=problem)


def erase_batches(
    prefix: str, progress: EraseProgress | None = None, *, seconds: float, bucket: str = ""
) -> Iterator[ErasedBatch]:
    """Delete what is under `prefix` and behind `progress`, page by page, for about `seconds`. Raises SesError.

    `bucket` is the configured one if it is empty; the same holds for the other functions of this module.

    The next page is listed only when the caller asks for the next batch. A caller that records each batch before that counts
    nothing twice; after a crash between S3's answer and the record, one page (at most 1,000 versions) is missing in its count.
    """
    at = progress or EraseProgress()
    s3, bucket = _open(prefix, bucket, seconds)
    until = time.monotonic() + seconds
    while True:
        page = list_versions(s3, bucket, prefix, after=(at.key, at.version))
        markers = page.get("DeleteMarkers", [])
        found = [*page.get("Versions", []), *markers]
        if not found:
            yield ErasedBatch(at, at_the_end=True)
            return
        with aws_errors(f"DeleteObjects {prefix}"):
            answer = s3.delete_objects(
                Bucket=bucket,
                Delete={
                    "Objects": [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found],
                    "Quiet": True,
                },
            )
        refused = _refused(found, answer.get("Errors", []))
        at = _behind(at, refused, answer.get("Errors", []))
        kept = {_pair(item) for item in refused}
        yield ErasedBatch(
            at,
            versions=len(found) - len(kept),
            delete_markers=sum(_pair(item) not in kept for item in markers),
            bytes=sum(item["Size"] for item in page.get("Versions", []) if _pair(item) not in kept),
        )
        if time.monotonic() >= until:
            return


def is_empty(prefix: str, *, bucket: str = "") -> bool:
    """Whether S3 holds nothing at all under `prefix`, no old version and no delete marker; one call. Raises SesError."""
    s3, bucket = _open(prefix, bucket)
    page = list_versions(s3, bucket, prefix, at_most=1)
    return not page.get("Versions") and not page.get("DeleteMarkers")


def mail_location(prefix: str, *, bucket: str = "") -> str:
    """`s3://bucket/prefix`, for people."""
    return f"s3://{bucket or ses_config().bucket}/{prefix}"


def _open(prefix: str, bucket: str, seconds: float = READ_TIMEOUT) -> tuple[S3Client, str]:
    if not prefix.endswith("/"):
        # `emails/example.co` is a prefix of example.com's mail as well.
        raise ValueError(f"A prefix to erase must end with a slash: {prefix!r}")
    return open_bucket(bucket, seconds=seconds)


def _refused(found: list[Any], errors: list[Any]) -> list[Any]:
    # S3 names the version as well; where it does not, none of the key's counts as gone.
    named = {(error.get("Key"), error.get("VersionId")) for error in errors}
    return [item for item in found if _pair(item) in named or (item["Key"], None) in named]


def _pair(item: Any) -> tuple[str, str]:
    return item["Key"], item["VersionId"]


def _behind(at: EraseProgress, refused: list[Any], errors: list[Any]) -> EraseProgress:
    if not refused:
        return at
    # S3 lists by key, the newest version first. The marker has to be something that still exists. S3's times are in whole
    # seconds: within one, only the place in the list tells which version is older, and delete markers are listed apart.
    last = max(
        reversed(refused),
        key=lambda item: (item["Key"], not item.get("IsLatest"), -item["LastModified"].timestamp()),
    )
    return EraseProgress(
        key=last["Key"],
        version=last["VersionId"],
        refused=at.refused + len(refused),
        code=at.code or errors[0].get("Code", "unknown reason"),
    )
