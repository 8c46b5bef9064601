"""What the bucket holds under a prefix: objects, versions, bytes, and the folders below. Reads no object."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backoffice.text import plural, size
from ses_integration.errors import SesError
from ses_integration.storage.bucket import list_objects, list_versions, open_bucket

MAX_PAGES = 10
MAX_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Stored:
    """`objects`: readable ones. `versions`: all that S3 keeps, delete markers and versions of deleted objects included."""

    objects: int = 0
    versions: int = 0
    bytes: int = 0

    def __str__(self) -> str:
        """`2 objects, 3 versions, 1.5 KB`."""
        return f"{plural(self.objects, 'object')}, {plural(self.versions, 'version')}, {size(self.bytes)}"

    def __add__(self, other: Stored) -> Stored:
        return Stored(self.objects + other.objects, self.versions + other.versions, self.bytes + other.bytes)


@dataclass(frozen=True, slots=True)
class MailSize:
    """A measurement: `stored` is a lower bound unless `complete`. If S3 could not be asked, it is None and `why` says why."""

    stored: Stored | None
    complete: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A readable object. `stored_at`: when S3 got it, in whole seconds."""

    key: str
    size: int
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class StoredPage:
    """Up to 1,000 objects in S3's order, by the bytes of their keys. `next`: after which key to go on, empty at the end."""

    keys: list[StoredKey]
    next: str


def measure_mail(prefix: str, *, bucket: str = "") -> MailSize:
    """Measure what is under `prefix`. Never raises.

    Makes at most `MAX_PAGES` calls, for 1,000 versions each, and starts none after ten seconds.
    """
    found = Stored()
    until = time.monotonic() + MAX_SECONDS
    try:
        for number, page in enumerate(_pages(prefix, bucket=bucket), 1):
            found += _counted(page)
            if not page.get("IsTruncated"):
                return MailSize(found, complete=True)
            if number >= MAX_PAGES or time.monotonic() >= until:
                break
    except SesError as error:
        return MailSize(None, why=error.sentence)
    return MailSize(found)


def count(prefix: str, *, bucket: str = "") -> Stored:
    """Count everything under `prefix`, at 1,000 versions per call. Raises SesError."""
    return sum((_counted(page) for page in _pages(prefix, bucket=bucket)), Stored())


def folders(prefix: str) -> tuple[list[str], Stored]:
    """Return the prefixes one slash further down, and what lies directly under this one. Raises SesError."""
    found: list[str] = []
    direct = Stored()
    for page in _pages(prefix, delimiter="/"):
        found += [common["Prefix"] for common in page.get("CommonPrefixes", [])]
        direct += _counted(page)
    return found, direct


def list_keys(prefix: str, *, after: str = "", bucket: str = "") -> StoredPage:
    """One page of the objects under `prefix`, after the key `after`. One call. Raises SesError."""
    s3, bucket = open_bucket(bucket)
    page = list_objects(s3, bucket, prefix, after=after)
    keys = [StoredKey(item["Key"], item["Size"], item["LastModified"]) for item in page.get("Contents", [])]
    return StoredPage(keys, keys[-1].key if keys and page.get("IsTruncated") else "")


def _pages(prefix: str, *, delimiter: str = "", bucket: str = "") -> Iterator[Any]:
    s3, bucket = open_bucket(bucket)
    after = ("", "")
    while True:
        page = list_versions(s3, bucket, prefix, after=after, delimiter=delimiter)
        yield page
        if not page.get("IsTruncated"):
            return
        after = (page["NextKeyMarker"], page.get("NextVersionIdMarker") or "")


def _counted(page: Any) -> Stored:
    versions, markers = page.get("Versions", []), page.get("DeleteMarkers", [])
    return Stored(
        objects=sum(version["IsLatest"] for version in versions),
        versions=len(versions) + len(markers),
        bytes=sum(version["Size"] for version in versions),
    )
