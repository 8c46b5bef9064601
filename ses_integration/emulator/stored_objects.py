"""Fill the emulated S3 directly, without HTTP: 100,000 objects in seconds, for benchmarks and tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from moto.s3.models import FakeDeleteMarker, FakeKey, s3_backends

from ses_integration.emulator.state.accounts import DEFAULT_ACCOUNT


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


def read(bucket: str, key: str) -> bytes:
    """The newest version of an object."""
    value: bytes = _bucket(bucket).keys[key].value
    return value


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
