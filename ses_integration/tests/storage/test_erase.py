from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from ses_integration.errors import NotConfigured, SesError
from ses_integration.storage.erase import ErasedBatch, EraseProgress, erase, erase_batches, is_empty

PREFIX = "emails/example.com/indm_1/"


def put(s3, *keys: str) -> None:
    for key in keys:
        s3.put_object(Bucket="inbound-mail", Key=key, Body=b"mail")


@pytest.fixture
def two_at_a_time(monkeypatch):
    monkeypatch.setattr("ses_integration.storage.bucket.KEYS_PER_CALL", 2)


def actions(ses) -> list[str]:
    return [entry["action"] for entry in ses.journal()]


def left(s3) -> list[str]:
    page = s3.list_object_versions(Bucket="inbound-mail")
    return sorted(item["Key"] for item in [*page.get("Versions", []), *page.get("DeleteMarkers", [])])


def test_everything_under_the_prefix_is_erased_and_nothing_else(s3):
    put(s3, f"{PREFIX}1", f"{PREFIX}sub/2", "emails/example.com/indm_2/1", "emails/example.community/indm_1/1")
    erasure = erase(PREFIX, seconds=10)
    assert (erasure.versions, erasure.finished) == (2, True)
    assert left(s3) == ["emails/example.com/indm_2/1", "emails/example.community/indm_1/1"]


def test_every_version_and_delete_marker_is_erased(s3):
    s3.put_bucket_versioning(Bucket="inbound-mail", VersioningConfiguration={"Status": "Enabled"})
    put(s3, f"{PREFIX}1", f"{PREFIX}1")
    s3.delete_object(Bucket="inbound-mail", Key=f"{PREFIX}1")
    first, end = erase_batches(PREFIX, seconds=10)
    assert (first.versions, first.delete_markers, first.bytes) == (3, 1, 8)
    assert end == ErasedBatch(EraseProgress(), at_the_end=True)
    assert left(s3) == []


def test_an_empty_prefix_is_finished_after_one_list_call(ses, s3):
    ses.clear_journal()
    erasure = erase(PREFIX, seconds=10)
    assert (erasure.versions, erasure.finished) == (0, True)
    assert [entry["action"] for entry in ses.journal()] == ["ListObjectVersions"]


def test_a_run_that_ran_out_of_time_can_be_continued_and_counts_nothing_twice(s3, two_at_a_time):
    put(s3, *(f"{PREFIX}{number}" for number in range(5)))
    runs = [erase(PREFIX, seconds=0) for _ in range(4)]
    assert [(run.versions, run.finished) for run in runs] == [(2, False), (2, False), (1, False), (0, True)]


def test_a_prefix_without_its_slash_is_refused():
    with pytest.raises(ValueError, match="slash"):
        erase("emails/example.co", seconds=10)


def test_the_next_page_is_listed_only_when_the_caller_asks_for_it(s3, ses, two_at_a_time):
    put(s3, *(f"{PREFIX}{number}" for number in range(5)))
    ses.clear_journal()
    running = erase_batches(PREFIX, seconds=10)
    for number in (1, 2):
        assert next(running).versions == 2
        assert actions(ses) == ["ListObjectVersions", "DeleteObjects"] * number
    assert [batch.versions for batch in running] == [1, 0]


def refuse(s3, keys: str) -> None:
    """The bucket's policy lets nobody delete these."""
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:DeleteObject",
        "Resource": f"arn:aws:s3:::inbound-mail/{keys}",
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket="inbound-mail", Policy=json.dumps(policy))


def test_pages_that_s3_keeps_completely_hide_nothing(s3, two_at_a_time):
    kept = [f"{PREFIX}kept-{number}" for number in range(5)]
    put(s3, f"{PREFIX}before", *kept, f"{PREFIX}then-1", f"{PREFIX}then-2", f"{PREFIX}then-3")
    refuse(s3, f"{PREFIX}kept-*")
    run = list(erase_batches(PREFIX, seconds=10))
    assert [batch.versions for batch in run] == [1, 0, 0, 2, 1, 0]
    assert run[-1].at_the_end
    assert run[-1].progress.refused == 5
    assert left(s3) == kept
    assert erase(PREFIX, seconds=10).problem == (
        "S3 keeps 5 stored objects (AccessDenied): look for object lock in the bucket, and whether "
        "s3:DeleteObjectVersion is allowed."
    )


def test_kept_versions_of_the_same_second_are_counted_once(s3, two_at_a_time):
    """S3 tells whole seconds, and the emulator does as well."""
    s3.put_bucket_versioning(Bucket="inbound-mail", VersioningConfiguration={"Status": "Enabled"})
    put(s3, *[f"{PREFIX}kept"] * 6)
    s3.delete_object(Bucket="inbound-mail", Key=f"{PREFIX}kept")
    refuse(s3, f"{PREFIX}kept")
    run = list(erase_batches(PREFIX, seconds=10))
    assert [batch.progress.refused for batch in run] == [2, 4, 6, 7, 7]
    assert run[-1].at_the_end
    assert left(s3) == [f"{PREFIX}kept"] * 7


def test_a_pass_continues_behind_kept_versions(s3, two_at_a_time):
    put(s3, f"{PREFIX}kept-1", f"{PREFIX}kept-2", f"{PREFIX}then")
    refuse(s3, f"{PREFIX}kept-*")
    (first,) = erase_batches(PREFIX, seconds=0)
    (second,) = erase_batches(PREFIX, first.progress, seconds=0)
    (third,) = erase_batches(PREFIX, second.progress, seconds=0)
    assert [(batch.versions, batch.progress.refused, batch.at_the_end) for batch in (first, second, third)] == [
        (0, 2, False),
        (1, 2, False),
        (0, 2, True),
    ]


def test_versions_under_object_lock_are_reported(s3, settings):
    settings.S3_BUCKET_NAME = "locked"
    s3.create_bucket(
        Bucket="locked",
        ObjectLockEnabledForBucket=True,
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
    )
    until = datetime.now(UTC) + timedelta(days=1)
    s3.put_object(
        Bucket="locked", Key=f"{PREFIX}1", Body=b"x", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=until
    )
    s3.put_object(Bucket="locked", Key=f"{PREFIX}2", Body=b"x")
    erasure = erase(PREFIX, seconds=10)
    assert (erasure.versions, erasure.finished) == (1, False)
    assert erasure.problem.startswith("S3 keeps 1 stored objects (AccessDenied): look for object lock")


def test_a_refused_call_is_an_error(s3, ses):
    put(s3, f"{PREFIX}1")
    ses.add_faults({"service": "s3", "action": "DeleteObjects", "fault": "access_denied"})
    with pytest.raises(SesError) as error:
        erase(PREFIX, seconds=10)
    assert (
        error.value.sentence
        == "AWS does not allow s3:DeleteObjectVersion on inbound-mail; the credentials lack a permission."
    )
    assert left(s3) == [f"{PREFIX}1"]


def test_a_prefix_with_only_a_delete_marker_is_not_empty(s3, ses):
    s3.put_bucket_versioning(Bucket="inbound-mail", VersioningConfiguration={"Status": "Enabled"})
    assert is_empty(PREFIX)
    put(s3, f"{PREFIX}1")
    (version,) = s3.list_object_versions(Bucket="inbound-mail")["Versions"]
    s3.delete_object(Bucket="inbound-mail", Key=f"{PREFIX}1")
    s3.delete_object(Bucket="inbound-mail", Key=f"{PREFIX}1", VersionId=version["VersionId"])
    ses.clear_journal()
    assert not is_empty(PREFIX)
    assert actions(ses) == ["ListObjectVersions"]


def test_without_a_bucket_name_s3_is_not_called(settings):
    settings.S3_BUCKET_NAME = ""
    with pytest.raises(NotConfigured):
        erase(PREFIX, seconds=10)
