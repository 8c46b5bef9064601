"""Resumable erasure of stored mail under one prefix: every version and delete marker, page by page."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from backoffice.text import plural
from ses_integration.aws.clients import READ_TIMEOUT
from ses_integration.aws.translate import is_passing
from ses_integration.storage.bucket import list_versions, open_bucket
from ses_integration.storage.delete import Version, delete_versions

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


# With these codes, somebody has forbidden the deletion, and the object is like any other. 403: an answer without a code.
FORBIDDEN = {"AccessDenied", "MethodNotAllowed", "InvalidObjectState", "403"}
EXAMPLE_LIMIT = 300


@dataclass(frozen=True, slots=True)
class EraseProgress:
    """Position of a pass through a prefix: `key` and `version` that S3 last refused to delete, empty if none.

    The pass continues after them. Deleted versions need no position, because S3 no longer lists them. `refused`: number of
    refused versions in this pass. `code`: S3's error code for the gravest of them. `example`: the escaped key of that one, if
    the object itself is the problem.
    """

    key: str = ""
    version: str = ""
    refused: int = 0
    code: str = ""
    example: str = ""

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> EraseProgress:
        return cls(**{**values, "key": unquote(values.get("key", ""))})

    def as_json(self) -> dict[str, Any]:
        """A dictionary for a JSON column. PostgreSQL stores no NUL, which a key may have."""
        return {**asdict(self), "key": self.key.replace("%", "%25").replace("\0", "%00")}

    @property
    def needs_attention(self) -> bool:
        """Whether a person must act before S3 deletes what it refused."""
        return bool(self.refused) and not is_passing(self.code)

    @property
    def problem(self) -> str:
        if not self.refused:
            return ""
        objects = plural(self.refused, "stored object")
        if is_passing(self.code):
            return f"S3 could not delete {objects} just now ({self.code})."
        if self.example:
            return (
                f"S3 does not delete {self.example} ({self.code}; {objects} left): delete it in the S3 console, or let a "
                "lifecycle rule of the bucket expire it."
            )
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
        found = {
            _key_and_version(item): item for item in sorted([*page.get("Versions", []), *markers], key=_in_s3_order)
        }
        if not found:
            yield ErasedBatch(progress, at_the_end=True)
            return
        codes = delete_versions(s3, bucket, list(found), until=until)
        progress = _advance(progress, {version: code for version, code in codes.items() if code})
        gone = [found[version] for version, code in codes.items() if not code]
        yield ErasedBatch(
            progress,
            versions=len(gone),
            delete_markers=sum("Size" not in item for item in gone),
            bytes=sum(item.get("Size", 0) for item in gone),
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


def _key_and_version(item: Any) -> Version:
    return item["Key"], item["VersionId"]


def _in_s3_order(item: Any) -> tuple[str, bool, float]:
    """By key, newest version first. S3 lists delete markers separately.

    Its times are whole seconds: within one, only the order of the list tells which version is older.
    """
    return item["Key"], not item.get("IsLatest"), -item["LastModified"].timestamp()


def _advance(progress: EraseProgress, kept: dict[Version, str]) -> EraseProgress:
    """The progress after a page. `kept`: S3's error codes, in S3's order.

    S3 can continue only after a version that still exists.
    """
    if not kept:
        return progress
    key, version = list(kept)[-1]
    gravest = max(kept, key=lambda version: _gravity(kept[version]))
    code, example = progress.code, progress.example
    if not progress.refused or _gravity(kept[gravest]) > _gravity(code):
        code = kept[gravest]
        example = _example(gravest[0]) if _gravity(code) > 1 else ""
    return EraseProgress(key, version, progress.refused + len(kept), code, example)


def _gravity(code: str) -> int:
    """0 for what passes, 1 for what is forbidden, 2 for an object that S3 cannot delete."""
    return 0 if is_passing(code) else 1 if code in FORBIDDEN else 2


def _example(key: str) -> str:
    """The key with control characters escaped, safe for a terminal, and shortened."""
    text = repr(key)
    return text if len(text) <= EXAMPLE_LIMIT else f"{text[: EXAMPLE_LIMIT // 2]}…{text[-EXAMPLE_LIMIT // 2 :]}"
