"""Very many stored objects, past the wire and in seconds: a prefix as SES leaves it after years."""

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


def fill(bucket: str, histories: Iterable[tuple[str, list[bytes | None]]]) -> None:
    """Store each key's versions, the oldest first; None is a delete marker. The bucket must be there and gets versioning.

    Not while calls to the bucket are under way.
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


def count(bucket: str, prefix: str) -> int:
    """How many versions and delete markers are held under the prefix."""
    return sum(len(versions) for key, versions in _bucket(bucket).keys.iterlists() if key.startswith(prefix))


@contextmanager
def quick_lists() -> Iterator[None]:
    """ListObjectVersions looks at what can be on its page; moto copies all that the bucket holds, deep, for each page."""
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
        # Those of the marker's own key may be skipped, and one beyond the page tells that there is a next one.
        room = max_keys + len(whole.getlist(key_marker, []) if key_marker else ())
        for key in sorted(key for key in list(whole) if key.startswith(prefix) and key >= (key_marker or "")):
            versions = whole.getlist(key, [])
            bucket.keys.setlist(key, _NotCopied(versions))
            room -= len(versions)
            if room < 0:
                break
    view = SimpleNamespace(get_bucket=lambda _: bucket)
    return _list_object_versions(view, bucket_name, delimiter, key_marker, max_keys, prefix, version_id_marker)
