from __future__ import annotations

import boto3
import pytest

from ses_integration.errors import NotConfigured
from ses_integration.storage import bucket as storage_bucket
from ses_integration.storage.inventory import Stored, count, folders

pytestmark = pytest.mark.usefixtures("ses")


@pytest.fixture
def bucket():
    """Versioned, with two calls for what is in it."""
    s3 = boto3.client("s3", region_name="eu-west-1")
    s3.put_bucket_versioning(Bucket="inbound-mail", VersioningConfiguration={"Status": "Enabled"})

    def put(*keys: str) -> None:
        for key in keys:
            s3.put_object(Bucket="inbound-mail", Key=key, Body=b"12345")

    put("a/1", "a/1", "a/2", "a/b/3", "a/b/4", "a/c/5", "other/6")
    s3.delete_object(Bucket="inbound-mail", Key="a/2")
    return s3


@pytest.mark.parametrize("per_call", [1000, 2, 1])
def test_everything_is_counted_over_any_number_of_pages(bucket, monkeypatch, per_call):
    monkeypatch.setattr(storage_bucket, "KEYS_PER_CALL", per_call)
    assert count("a/") == Stored(objects=4, versions=7, bytes=30)


@pytest.mark.parametrize("per_call", [1000, 2, 1])
def test_folders_are_listed_apart_from_objects_beside_them(bucket, monkeypatch, per_call):
    monkeypatch.setattr(storage_bucket, "KEYS_PER_CALL", per_call)
    assert folders("a/") == (["a/b/", "a/c/"], Stored(objects=1, versions=4, bytes=15))


def test_an_empty_prefix_has_nothing(bucket):
    assert (count("nothing/"), folders("nothing/")) == (Stored(), ([], Stored()))


def test_without_a_bucket_counting_is_an_error(settings):
    settings.S3_BUCKET_NAME = ""
    with pytest.raises(NotConfigured, match="S3_BUCKET_NAME is missing"):
        count("a/")


def test_stored_mail_is_shown_as_objects_versions_and_bytes():
    assert str(Stored(objects=1, versions=2, bytes=1536)) == "1 object, 2 versions, 1.5 KB"
