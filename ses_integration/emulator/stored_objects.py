"""Fill the emulated S3 directly, without HTTP: 100,000 objects in seconds, for benchmarks and tests."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from moto.s3.models import FakeDeleteMarker, FakeKey, S3Backend, s3_backends

from ses_integration.emulator.state.accounts import DEFAULT_ACCOUNT

_list_object_versions = S3Backend.list_object_versions


def store_versions(bucket: str, histories: Iterable[tuple[str, list[bytes | None]]]) -> None:
    """Store the versions of each key, oldest first. None is a delete marker. Turns on versioning of the bucket.

    Not while calls to the bucket are running.
    """
    held = _bucket(bucket)
    held.versioning_status = "Enabled"
    for key, values in histories:
        versions: list[Any] = []
        for value in values:
            versions.append(FakeDeleteMarker(versions[-1]) if value is None else _object(held, key, value))
        held.keys.setlist(key, versions)


def create_bucket(name: str, region: str) -> None:
    s3_backends[DEFAULT_ACCOUNT]["aws"].create_bucket(name, region)


def count_versions(bucket: str, prefix: str) -> int:
    """Count the versions and delete markers under the prefix."""
    return sum(len(versions) for key, versions in _bucket(bucket).keys.iterlists() if key.startswith(prefix))


@contextmanager
def fast_version_listing() -> Iterator[None]:
    """Make ListObjectVersions copy only the keys of one page. moto copies the whole bucket for each page."""
    with patch.object(S3Backend, "list_object_versions", _list_one_page):
        yield


def _bucket(name: str) -> Any:
    return s3_backends[DEFAULT_ACCOUNT]["aws"].buckets[name]


def _object(bucket: Any, key: str, value: bytes) -> Any:
    return FakeKey(
        key,
        value,
        account_id=DEFAULT_ACCOUNT,
        region_name=bucket.region_name,
        is_versioned=True,
        version_id=str(uuid4()),
        bucket_name=bucket.name,
    )


class _NotCopied(list[Any]):
    def __deepcopy__(self, memo: object) -> _NotCopied:
        return self


def _list_one_page(
    self: Any,
    bucket_name: str,
    delimiter: str | None = None,
    key_marker: str | None = None,
    max_keys: int | None = 1000,
    prefix: str = "",
    version_id_marker: str | None = None,
) -> Any:
    bucket = self.get_bucket(bucket_name)
    if not delimiter and max_keys is not None:
        whole, bucket = bucket.keys, copy.copy(bucket)
        bucket.keys = type(whole)()
        # The marker may skip versions of its own key. One version beyond the page shows that there is a next page.
        room = max_keys + len(whole.getlist(key_marker, []) if key_marker else ())
        for key in sorted(key for key in list(whole) if key.startswith(prefix) and key >= (key_marker or "")):
            versions = whole.getlist(key, [])
            bucket.keys.setlist(key, _NotCopied(versions))
            room -= len(versions)
            if room < 0:
                break
    view = SimpleNamespace(get_bucket=lambda _: bucket)
    return _list_object_versions(view, bucket_name, delimiter, key_marker, max_keys, prefix, version_id_marker)
