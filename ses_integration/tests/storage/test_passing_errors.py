"""Errors of single keys that pass by themselves are tried again at once; final ones are explained."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_integration.storage import delete
from ses_integration.storage.erase import erase, erase_batches

PREFIX = "emails/example.com/indm_1/"
CODES = ["InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout", "OperationAborted"]


@pytest.fixture
def stored(s3):
    for number in range(20):
        s3.put_object(Bucket="inbound-mail", Key=f"{PREFIX}{number:02}", Body=b"mail")


def refused(code: str, times: int | None, *keys: str) -> dict[str, Any]:
    return {"service": "s3", "fault": "refuse_keys", "code": code, "times": times, "keys": list(keys)}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("times", [1, 2])
def test_keys_that_s3_cannot_delete_just_now_are_tried_again(ses, stored, code, times):
    ses.add_faults(refused(code, times, "07", "13"))
    ses.clear_journal()
    erasure = erase(PREFIX, seconds=10)
    assert (erasure.versions, erasure.finished, erasure.problem) == (20, True, "")
    sent = [e["parameters"]["Delete"]["Objects"] for e in ses.journal() if e["action"] == "DeleteObjects"]
    assert [len(objects) for objects in sent] == [20] + [2] * times


def test_a_key_that_stays_refused_is_not_explained_as_object_lock(ses, stored, monkeypatch):
    monkeypatch.setattr(delete, "PAUSES", (0.0, 0.0))
    ses.add_faults(refused("SlowDown", None, "07"))
    erasure = erase(PREFIX, seconds=10)
    assert (erasure.versions, erasure.finished) == (19, False)
    assert erasure.problem == "S3 could not delete 1 stored object just now (SlowDown)."


def test_without_time_nothing_is_tried_again(ses, stored):
    ses.add_faults(refused("SlowDown", None))
    ses.clear_journal()
    assert erase(PREFIX, seconds=0).versions == 0
    assert [entry["action"] for entry in ses.journal()] == ["ListObjectVersions", "DeleteObjects"]


def test_final_errors_are_told_even_if_others_pass(s3, ses, stored, monkeypatch):
    monkeypatch.setattr(delete, "PAUSES", ())
    ses.add_faults(refused("SlowDown", None, "07", "13"))
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::inbound-mail/*8"}
    policy = {"Version": "2012-10-17", "Statement": [deny]}
    s3.put_bucket_policy(Bucket="inbound-mail", Policy=json.dumps(policy))
    assert erase(PREFIX, seconds=10).problem == (
        "S3 keeps 4 stored objects (AccessDenied): look for object lock in the bucket, and whether "
        "s3:DeleteObjectVersion is allowed."
    )


def test_an_unknown_final_error_names_the_object(ses, stored):
    ses.add_faults(refused("NotImplemented", None, "07"))
    assert f"'{PREFIX}07' (NotImplemented" in erase(PREFIX, seconds=10).problem


def test_what_was_deleted_before_s3_failed_is_counted(ses, stored):
    ses.add_faults(
        {"service": "s3", "action": "DeleteObjects", "fault": "error", "code": "MalformedXML"},
        {"service": "s3", "action": "DeleteObjects", "fault": "throttle", "skip": 1},
    )
    assert [batch.versions for batch in erase_batches(PREFIX, seconds=10)] == [10, 10, 0]
