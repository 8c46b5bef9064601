"""S3's answers for unusual keys (Amazon S3 API Reference; Working with object metadata, "Naming objects")."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from ses_integration.emulator.server import Emulator
from ses_integration.tests.emulator.clients import refusal

CONTROL = "a/\x10\x10photo.jpg"


def put(s3: Any, bucket: str, *keys: str) -> None:
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")


def listed(s3: Any, bucket: str, **of: Any) -> list[str]:
    return [item["Key"] for item in s3.list_object_versions(Bucket=bucket, **of).get("Versions", [])]


def delete(s3: Any, bucket: str, *keys: str, quiet: bool = False) -> Any:
    objects = [{"Key": key, "VersionId": "null"} for key in keys]
    return s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": quiet})


@pytest.mark.parametrize("key", [CONTROL, "\x00", "\ufffe", "\x1b"], ids=ascii)
def test_a_batch_with_characters_that_xml_cannot_carry_is_malformed(s3: Any, bucket: str, key: str) -> None:
    put(s3, bucket, "good", key)
    objects = [{"Key": name, "VersionId": "null"} for name in ("good", key)]
    answer = refusal(s3.delete_objects, Bucket=bucket, Delete={"Objects": objects})
    assert (answer.code, answer.status) == ("MalformedXML", 400)
    assert set(listed(s3, bucket)) == {"good", key}
    s3.delete_object(Bucket=bucket, Key=key, VersionId="null")
    assert listed(s3, bucket) == ["good"]


def test_keys_are_listed_encoded_if_the_client_asks_for_it(s3: Any, bucket: str) -> None:
    keys = sorted([CONTROL, "a+b", "a b", "100%", "line\r\nbreak", "\U0001f600"])
    put(s3, bucket, *keys)
    page = s3.list_object_versions(Bucket=bucket, EncodingType="url", Prefix="line\r\n")
    assert (page["Versions"][0]["Key"], page["Prefix"]) == ("line%0D%0Abreak", "line%0D%0A")
    page = s3.list_object_versions(Bucket=bucket, EncodingType="url", Prefix="a")
    assert [item["Key"] for item in page["Versions"]] == ["a+b", "a%2Bb", "a/%10%10photo.jpg"]
    # botocore asks for it by itself, and decodes.
    assert listed(s3, bucket) == keys


def test_without_encoding_a_control_character_is_a_reference(s3: Any, bucket: str, emulator: Emulator) -> None:
    put(s3, bucket, CONTROL)
    connection = HTTPConnection(urlsplit(emulator.url).netloc, timeout=10)
    connection.request("GET", f"/{bucket}?versions")
    assert b"<Key>a/&#x10;&#x10;photo.jpg</Key>" in connection.getresponse().read()
    connection.close()


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_pages_continue_after_any_key(s3: Any, bucket: str, size: int) -> None:
    keys = sorted([CONTROL, "a+b", "a b", "100%", "%2B", "line\r\nbreak", "\U0001f600", "..", "/x", "//"])
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    put(s3, bucket, *keys, *keys)
    found: list[str] = []
    start: dict[str, str] = {}
    while True:
        page = s3.list_object_versions(Bucket=bucket, MaxKeys=size, **start)
        found += [item["Key"] for item in page["Versions"]]
        if not page["IsTruncated"]:
            break
        start = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
    assert found == [key for key in keys for _ in range(2)]


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_folders_are_listed_once(s3: Any, bucket: str, size: int) -> None:
    put(s3, bucket, "a/1", "a/2", "b+/1", "b+/2", "c", "d\x10/1")
    prefixes: list[str] = []
    keys: list[str] = []
    start: dict[str, str] = {}
    while True:
        page = s3.list_object_versions(Bucket=bucket, Delimiter="/", MaxKeys=size, **start)
        prefixes += [common["Prefix"] for common in page.get("CommonPrefixes", [])]
        keys += [item["Key"] for item in page.get("Versions", [])]
        if not page["IsTruncated"]:
            break
        start = {name[4:]: page[name] for name in ("NextKeyMarker", "NextVersionIdMarker") if name in page}
    assert (prefixes, keys) == (["a/", "b+/", "d\x10/"], ["c"])


def test_the_newest_version_is_listed_first_and_is_the_latest(s3: Any, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    versions = [s3.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"] for _ in range(3)]
    page = s3.list_object_versions(Bucket=bucket)
    assert [item["VersionId"] for item in page["Versions"]] == versions[::-1]
    assert [item["IsLatest"] for item in page["Versions"]] == [True, False, False]


def test_nothing_is_listed_in_a_bucket_that_does_not_exist(s3: Any) -> None:
    assert refusal(s3.list_object_versions, Bucket="nowhere").code == "NoSuchBucket"


def test_keys_refused_by_a_fault_are_reported_in_a_successful_answer(s3: Any, bucket: str, emulator: Emulator) -> None:
    put(s3, bucket, "1\r\n", "2", "3")
    emulator.add_faults({"service": "s3", "fault": "refuse_keys", "code": "SlowDown", "keys": ["\r\n", "2"]})
    assert listed(s3, bucket) == ["1\r\n", "2", "3"]
    answer = delete(s3, bucket, "1\r\n", "2", "3")
    assert [(error["Key"], error["VersionId"], error["Code"]) for error in answer["Errors"]] == [
        ("1\r\n", "null", "SlowDown"),
        ("2", "null", "SlowDown"),
    ]
    assert [item["Key"] for item in answer["Deleted"]] == ["3"]
    assert "Errors" not in delete(s3, bucket, "1\r\n", "2", quiet=True)
    assert listed(s3, bucket) == []
