"""What lies in the bucket under a prefix, counted without reading any of it: objects, their versions, and bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ses_integration.aws import clients
from ses_integration.aws.translate import NOT_CONFIGURED, aws_errors
from ses_integration.conf import ses_config
from ses_integration.errors import NotConfigured
from ses_integration.storage.erase import KEYS_PER_CALL


@dataclass(frozen=True, slots=True)
class Stored:
    """`objects` can be read; `versions` are all that S3 keeps, of deleted objects and delete markers, too."""

    objects: int = 0
    versions: int = 0
    bytes: int = 0

    def __add__(self, other: Stored) -> Stored:
        return Stored(self.objects + other.objects, self.versions + other.versions, self.bytes + other.bytes)


def count(prefix: str) -> Stored:
    """Everything under `prefix`, one call for each 1,000 versions. Raises SesError."""
    return sum((counted(page) for page in pages(prefix)), Stored())


def folders(prefix: str) -> tuple[list[str], Stored]:
    """The prefixes one slash further down, and what lies directly under this one. Raises SesError."""
    found: list[str] = []
    direct = Stored()
    for page in pages(prefix, Delimiter="/"):
        found += [common["Prefix"] for common in page.get("CommonPrefixes", [])]
        direct += counted(page)
    return found, direct


def pages(prefix: str, **options: Any) -> Iterator[Any]:
    """S3's answers one by one, each asked for when it is wanted. Raises SesError."""
    config = ses_config()
    if not config.region or not clients.have_credentials():
        raise NotConfigured(NOT_CONFIGURED)
    if not config.bucket:
        raise NotConfigured("S3_BUCKET_NAME is missing.")
    s3 = clients.s3(config.region)
    start: Any = {}
    while True:
        with aws_errors(f"ListObjectVersions {prefix}"):
            page = s3.list_object_versions(
                Bucket=config.bucket, Prefix=prefix, MaxKeys=KEYS_PER_CALL, **options, **start
            )
        yield page
        if not page.get("IsTruncated"):
            return
        start = {"KeyMarker": page["NextKeyMarker"]}
        if page.get("NextVersionIdMarker"):
            start["VersionIdMarker"] = page["NextVersionIdMarker"]


def counted(page: Any) -> Stored:
    """What one of S3's answers lists."""
    versions, markers = page.get("Versions", []), page.get("DeleteMarkers", [])
    return Stored(
        objects=sum(version["IsLatest"] for version in versions),
        versions=len(versions) + len(markers),
        bytes=sum(version["Size"] for version in versions),
    )
