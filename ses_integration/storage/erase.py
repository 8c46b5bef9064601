"""Erasing what SES has stored in S3 under one prefix: every version and delete marker, a page at a time, resumable."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_integration.aws import clients
from ses_integration.aws.translate import NOT_CONFIGURED, aws_errors
from ses_integration.conf import ses_config
from ses_integration.errors import NotConfigured

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEYS_PER_CALL = 1000  # S3 API Reference, DeleteObjects


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one pass through a prefix has come: behind the last version that S3 refused to delete, if it refused any.

    A pass goes on behind them, so that they hide nothing; what S3 deleted needs no marker, because it is not listed again.
    `refused` counts those of this pass, and `code` is S3's error code of the first.
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
class Batch:
    """What one call has erased: only what S3 confirmed. `versions` include the `delete_markers`.

    `at_the_end`: a look behind `progress` found nothing, so the pass is over; all is gone if nothing was refused.
    """

    progress: Progress
    versions: int = 0
    delete_markers: int = 0
    bytes: int = 0
    at_the_end: bool = False


@dataclass(frozen=True, slots=True)
class Erasure:
    """What one run has done. `finished`: a look after the last deletion found nothing; else `problem` may say why."""

    versions: int
    finished: bool
    problem: str = ""


def erase(prefix: str, *, seconds: float) -> Erasure:
    """Delete everything under `prefix`, for about `seconds`; run it again until it says `finished`. Raises SesError."""
    erased = 0
    batch = Batch(Progress())
    for batch in batches(prefix, seconds=seconds):
        erased += batch.versions
    problem = batch.progress.problem
    return Erasure(versions=erased, finished=batch.at_the_end and not problem, problem=problem)


def batches(prefix: str, progress: Progress | None = None, *, seconds: float, bucket: str = "") -> Iterator[Batch]:
    """Delete what is under `prefix` and behind `progress`, page by page, for about `seconds`. Raises SesError.

    In `bucket`, or in the configured one where it is empty; so in all of this module.

    The next page is listed only when the caller comes back: who writes a batch down before that counts nothing twice, and
    after a crash between S3's answer and the writing misses one page (at most 1,000 versions) in its count.
    """
    at = progress or Progress()
    s3, bucket = _open(prefix, seconds, bucket)
    until = time.monotonic() + seconds
    while True:
        page = _page(s3, bucket, prefix, at, KEYS_PER_CALL)
        markers = page.get("DeleteMarkers", [])
        found = [*page.get("Versions", []), *markers]
        if not found:
            yield Batch(at, at_the_end=True)
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
        yield Batch(
            at,
            versions=len(found) - len(kept),
            delete_markers=sum(_pair(item) not in kept for item in markers),
            bytes=sum(item["Size"] for item in page.get("Versions", []) if _pair(item) not in kept),
        )
        if time.monotonic() >= until:
            return


def is_empty(prefix: str, *, bucket: str = "") -> bool:
    """Whether S3 holds nothing at all under `prefix`, no old version and no delete marker; one call. Raises SesError."""
    s3, bucket = _open(prefix, clients.READ_TIMEOUT, bucket)
    page = _page(s3, bucket, prefix, Progress(), 1)
    return not page.get("Versions") and not page.get("DeleteMarkers")


def location(prefix: str, *, bucket: str = "") -> str:
    return f"s3://{bucket or ses_config().bucket}/{prefix}"


def _open(prefix: str, seconds: float, bucket: str) -> tuple[S3Client, str]:
    if not prefix.endswith("/"):
        # `emails/example.co` is a prefix of example.com's mail as well.
        raise ValueError(f"A prefix to erase must end with a slash: {prefix!r}")
    config = ses_config()
    if not config.region or not clients.have_credentials():
        raise NotConfigured(NOT_CONFIGURED)
    if not (bucket or config.bucket):
        raise NotConfigured("S3_BUCKET_NAME is missing.")
    return clients.s3(config.region, seconds), bucket or config.bucket


def _page(s3: S3Client, bucket: str, prefix: str, at: Progress, keys: int) -> Any:
    start: Any = {"KeyMarker": at.key, "VersionIdMarker": at.version} if at.key else {}
    with aws_errors(f"ListObjectVersions {prefix}"):
        return s3.list_object_versions(Bucket=bucket, Prefix=prefix, MaxKeys=keys, **start)


def _refused(found: list[Any], errors: list[Any]) -> list[Any]:
    # S3 names the version as well; where it does not, none of the key's counts as gone.
    named = {(error.get("Key"), error.get("VersionId")) for error in errors}
    return [item for item in found if _pair(item) in named or (item["Key"], None) in named]


def _pair(item: Any) -> tuple[str, str]:
    return item["Key"], item["VersionId"]


def _behind(at: Progress, refused: list[Any], errors: list[Any]) -> Progress:
    if not refused:
        return at
    # In the order of S3's list: by key, the newest version first. A marker has to be something that is still there. Within
    # a second, which is as exactly as S3 tells, only its place says which is older; versions and delete markers come apart.
    last = max(
        reversed(refused),
        key=lambda item: (item["Key"], not item.get("IsLatest"), -item["LastModified"].timestamp()),
    )
    return Progress(
        key=last["Key"],
        version=last["VersionId"],
        refused=at.refused + len(refused),
        code=at.code or errors[0].get("Code", "unknown reason"),
    )
