"""Filling a bucket without HTTP, and listing it faster than moto does."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from ses_integration.emulator import stored_objects
from ses_integration.tests.emulator.clients import client

BUCKET = "full"


@pytest.fixture
def s3(aws):
    s3 = client("s3", aws.url)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    stored_objects.store_versions(BUCKET, [(f"a/{number}", [b"old", b"new", None]) for number in range(3)])
    stored_objects.store_versions(BUCKET, [("b/0", [b"another"])])
    return s3


def pages(s3, **of):
    found, start = [], {}
    while True:
        page = s3.list_object_versions(Bucket=BUCKET, **of, **start)
        pairs = {
            (item["Key"], item["VersionId"]) for kind in ("Versions", "DeleteMarkers") for item in page.get(kind, [])
        }
        found.append(pairs)
        if not page["IsTruncated"]:
            return found
        start = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}


@pytest.mark.parametrize("of", [{}, {"Prefix": "a/"}, {"Prefix": "b/"}, {"Prefix": "c/"}])
@pytest.mark.parametrize("size", [1, 2, 4, 9, 1000])
def test_fast_listing_returns_the_same_pages(s3, of, size):
    seen = []
    for manner in (nullcontext(), stored_objects.fast_version_listing()):
        with manner:
            seen.append(pages(s3, MaxKeys=size, **of))
    assert seen[0] == seen[1]


def test_stored_versions_are_visible_to_a_client(s3):
    assert stored_objects.count_versions(BUCKET, "a/") == 9
    (page,) = pages(s3, Prefix="a/")
    assert len(page) == 9
    assert s3.get_object(Bucket=BUCKET, Key="b/0")["Body"].read() == b"another"
    gone = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": k, "VersionId": v} for k, v in page]})
    assert len(gone["Deleted"]) == 9
    assert (stored_objects.count_versions(BUCKET, "a/"), stored_objects.count_versions(BUCKET, "")) == (0, 1)
