"""ListObjectVersions: newest version of a key first, keys in the order of their UTF-8 bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote_plus

from moto.s3.models import FakeDeleteMarker

from ses_integration.emulator.s3.xml import document, element, text

MAX_KEYS = 1000


def list_object_versions(bucket: Any, parameters: Mapping[str, Any]) -> str:
    """One page as XML. `EncodingType` `url` encodes keys, prefixes, markers and the delimiter as in a form: a blank becomes `+`.

    Nothing is listed after a version that does not exist any more.
    """
    encoded: Callable[[str], str] = partial(quote_plus, safe="/*") if parameters.get("EncodingType") == "url" else str
    prefix, delimiter = parameters.get("Prefix") or "", parameters.get("Delimiter") or ""
    after = parameters.get("KeyMarker") or "", parameters.get("VersionIdMarker") or ""
    limit = min(int(parameters.get("MaxKeys", MAX_KEYS)), MAX_KEYS)
    listed: list[str] = []
    folded: list[str] = []
    last = ("", "")
    truncated = False
    for version, is_latest in _entries(bucket, prefix, *after):
        head, found, _ = version.name.removeprefix(prefix).partition(delimiter) if delimiter else ("", "", "")
        folder = f"{prefix}{head}{found}" if found else ""
        if folder and folder in (after[0], *folded[-1:]):
            continue
        if len(listed) + len(folded) >= limit:
            truncated = limit > 0
            break
        if folder:
            folded.append(folder)
        else:
            listed.append(_version(version, encoded(version.name), is_latest=is_latest))
        last = (folder, "") if folder else (version.name, version.version_id)
    return document(
        "ListVersionsResult",
        text("Name", bucket.name),
        text("Prefix", encoded(prefix)),
        text("KeyMarker", encoded(after[0])),
        text("VersionIdMarker", after[1]),
        text("MaxKeys", limit),
        text("Delimiter", encoded(delimiter)) if delimiter else "",
        text("EncodingType", "url") if parameters.get("EncodingType") else "",
        text("IsTruncated", str(truncated).lower()),
        text("NextKeyMarker", encoded(last[0])) if truncated else "",
        text("NextVersionIdMarker", last[1]) if truncated and last[1] else "",
        *listed,
        *(element("CommonPrefixes", text("Prefix", encoded(folder))) for folder in folded),
    )


def _entries(bucket: Any, prefix: str, key_marker: str, version_marker: str) -> Iterator[tuple[Any, bool]]:
    """Versions after the marker in S3's order, each with whether it is the latest of its key."""
    passed = not version_marker
    for key in sorted(key for key in list(bucket.keys) if key.startswith(prefix) and key >= key_marker):
        if key == key_marker and passed:
            continue
        for number, version in enumerate(reversed(bucket.keys.getlist(key, []))):
            if passed:
                yield version, number == 0
            passed = passed or (key == key_marker and version.version_id == version_marker)


def _version(version: Any, key: str, *, is_latest: bool) -> str:
    is_marker = isinstance(version, FakeDeleteMarker)
    details = [text("Key", key), text("VersionId", version.version_id), text("IsLatest", str(is_latest).lower())]
    details.append(text("LastModified", version.last_modified_ISO8601))
    if not is_marker:
        details += [text("ETag", version.etag), text("Size", version.size), text("StorageClass", version.storage_class)]
    return element("DeleteMarker" if is_marker else "Version", *details)
