"""Keys that XML cannot carry, or that a URL must escape, do not keep the mail around them."""

from __future__ import annotations

import json

import pytest

from ses_integration.storage.erase import EraseProgress, erase, erase_batches
from ses_integration.storage.inventory import count, folders

PREFIX = "emails/example.com/indm_1/"
NOT_IN_XML = ["\x10\x10photo.jpg", "\x00", "\x1b[2J", "\x0b", "\ufffe", "\uffff"]
IN_XML = [
    *("a+b", "a%2Bb", "100%", "%zz", "two words", " blank ", "&amp;<>\"'", "line\r\nbreak", "\r", "\n", "\t"),
    *("..", ".", "a/../b", "../../x", "/slash", "a//b", "//", "\x7f\x85", "é", "\u2028", "\U0001f600", "null"),
    "x" * (1024 - len(PREFIX)),
]
ids = ascii


def put(s3, *names: str) -> None:
    for name in names:
        s3.put_object(Bucket="inbound-mail", Key=f"{PREFIX}{name}", Body=b"mail")


def deletions(ses) -> list[str]:
    return [entry["action"] for entry in ses.journal() if entry["action"].startswith("Delete")]


@pytest.mark.parametrize("name", NOT_IN_XML, ids=ids)
def test_an_object_that_xml_cannot_carry_is_deleted_with_all_others(s3, ses, name):
    put(s3, *map(str, range(30)), name)
    ses.clear_journal()
    erasure = erase(PREFIX, seconds=10)
    assert (erasure.versions, erasure.finished, erasure.problem) == (31, True, "")
    assert deletions(ses).count("DeleteObject") == 1
    assert count(PREFIX).versions == 0


@pytest.mark.parametrize("name", IN_XML, ids=lambda name: ascii(name[:20]))
def test_other_keys_are_deleted_with_one_call(s3, ses, name):
    put(s3, "before", name, "then")
    ses.clear_journal()
    assert erase(PREFIX, seconds=10).versions == 3
    assert deletions(ses) == ["DeleteObjects"]
    assert count(PREFIX).versions == 0


def test_every_version_of_such_keys_is_erased_page_by_page(s3, monkeypatch):
    monkeypatch.setattr("ses_integration.storage.bucket.KEYS_PER_CALL", 2)
    s3.put_bucket_versioning(Bucket="inbound-mail", VersioningConfiguration={"Status": "Enabled"})
    put(s3, *NOT_IN_XML, *IN_XML, *NOT_IN_XML)
    s3.delete_object(Bucket="inbound-mail", Key=f"{PREFIX}{NOT_IN_XML[0]}")
    stored = count(PREFIX).versions
    assert stored == 2 * len(NOT_IN_XML) + len(IN_XML) + 1
    erasure = erase(PREFIX, seconds=30)
    assert (erasure.versions, erasure.finished) == (stored, True)


@pytest.mark.parametrize("name", [*NOT_IN_XML, *IN_XML], ids=lambda name: ascii(name[:20]))
def test_a_pass_continues_after_a_kept_object(s3, ses, monkeypatch, name):
    monkeypatch.setattr("ses_integration.storage.bucket.KEYS_PER_CALL", 1)
    put(s3, name, "\U0001f601 last")
    for action in ("DeleteObject", "DeleteObjects"):
        ses.add_faults({"service": "s3", "action": action, "fault": "error", "code": "InvalidRequest", "times": 1})
    first, second, end = erase_batches(PREFIX, seconds=10)
    assert (first.versions, second.versions, end.at_the_end, end.progress.refused) == (0, 1, True, 1)
    assert first.progress == EraseProgress.from_json(first.progress.as_json())


def test_an_object_that_s3_cannot_delete_at_all_is_named(s3, ses):
    put(s3, "1", "\x1b[31m\x10photo.jpg", "2")
    ses.add_faults({"service": "s3", "action": "DeleteObject", "fault": "error", "code": "InvalidURI", "times": None})
    erasure = erase(PREFIX, seconds=10)
    assert (erasure.versions, erasure.finished) == (2, False)
    assert erasure.problem == (
        "S3 does not delete 'emails/example.com/indm_1/\\x1b[31m\\x10photo.jpg' (InvalidURI; 1 stored object left): "
        "delete it in the S3 console, or let a lifecycle rule of the bucket expire it."
    )


def test_an_unusual_key_that_may_not_be_deleted_is_explained_like_any_other(s3):
    put(s3, "1", "\x10photo.jpg")
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:DeleteObject",
        "Resource": "arn:aws:s3:::inbound-mail/*.jpg",
    }
    policy = {"Version": "2012-10-17", "Statement": [deny]}
    s3.put_bucket_policy(Bucket="inbound-mail", Policy=json.dumps(policy))
    erasure = erase(PREFIX, seconds=10)
    assert erasure.versions == 1
    assert "look for object lock in the bucket" in erasure.problem


def test_the_sentence_about_a_long_key_fits_into_its_column(s3, ses):
    put(s3, "\x10" * 990)
    ses.add_faults({"service": "s3", "action": "DeleteObject", "fault": "error", "code": "InvalidURI", "times": None})
    assert len(erase(PREFIX, seconds=10).problem) < 500


@pytest.mark.parametrize("code", ["InvalidRequest", "KeyTooLongError", "MaxMessageLengthExceeded", "NewCode"])
def test_a_batch_is_split_whatever_s3_dislikes_about_it(s3, ses, code):
    put(s3, *map(str, range(5)))
    ses.add_faults({"service": "s3", "action": "DeleteObjects", "fault": "error", "code": code, "times": 3})
    ses.clear_journal()
    assert erase(PREFIX, seconds=10).finished
    assert deletions(ses)[:3] == ["DeleteObjects"] * 3


def test_without_time_one_version_is_settled_so_that_a_repeated_run_ends(s3, ses):
    put(s3, *map(str, range(3)))
    ses.add_faults({"service": "s3", "action": "DeleteObjects", "fault": "error", "code": "Bad", "times": None})
    assert [erase(PREFIX, seconds=0).versions for _ in range(4)] == [1, 1, 1, 0]


def test_folders_have_names_of_any_characters(s3):
    put(s3, "a\x10/1", "b+ %/1", "c\r\n/1", "direct\x10")
    found, direct = folders(PREFIX)
    assert found == [f"{PREFIX}{name}/" for name in ("a\x10", "b+ %", "c\r\n")]
    assert direct.versions == 1
