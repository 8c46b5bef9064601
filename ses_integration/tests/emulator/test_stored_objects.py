"""Filling a bucket without HTTP."""

from __future__ import annotations

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


def test_stored_versions_are_visible_to_a_client(s3):
    assert stored_objects.count_versions(BUCKET, "a/") == 9
    listed = s3.list_object_versions(Bucket=BUCKET, Prefix="a/")
    page = [(item["Key"], item["VersionId"]) for item in [*listed["Versions"], *listed["DeleteMarkers"]]]
    assert len(page) == 9
    assert s3.get_object(Bucket=BUCKET, Key="b/0")["Body"].read() == b"another"
    gone = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": k, "VersionId": v} for k, v in page]})
    assert len(gone["Deleted"]) == 9
    assert (stored_objects.count_versions(BUCKET, "a/"), stored_objects.count_versions(BUCKET, "")) == (0, 1)
