from __future__ import annotations

import boto3
import pytest

from ses_integration.errors import NotConfigured, SesError
from ses_integration.stored_mail import erase

PREFIX = "emails/example.com/indm_1/"


@pytest.fixture
def s3(ses):
    return boto3.client("s3", region_name="eu-west-1")


def put(s3, *keys: str) -> None:
    for key in keys:
        s3.put_object(Bucket="inbound-mail", Key=key, Body=b"mail")


def left(s3) -> list[str]:
    page = s3.list_object_versions(Bucket="inbound-mail")
    return sorted(item["Key"] for item in [*page.get("Versions", []), *page.get("DeleteMarkers", [])])


def test_everything_under_the_prefix_goes_and_nothing_else(s3):
    put(s3, f"{PREFIX}1", f"{PREFIX}sub/2", "emails/example.com/indm_2/1", "emails/example.community/indm_1/1")
    erasure = erase(PREFIX, seconds=10)
    assert (erasure.versions, erasure.finished) == (2, True)
    assert left(s3) == ["emails/example.com/indm_2/1", "emails/example.community/indm_1/1"]


def test_every_version_and_delete_marker_goes(s3):
    s3.put_bucket_versioning(Bucket="inbound-mail", VersioningConfiguration={"Status": "Enabled"})
    put(s3, f"{PREFIX}1", f"{PREFIX}1")
    s3.delete_object(Bucket="inbound-mail", Key=f"{PREFIX}1")
    assert erase(PREFIX, seconds=10).versions == 3
    assert left(s3) == []


def test_an_empty_prefix_is_finished_with_one_look(ses, s3):
    ses.clear_journal()
    erasure = erase(PREFIX, seconds=10)
    assert (erasure.versions, erasure.finished) == (0, True)
    assert [entry["action"] for entry in ses.journal()] == ["ListObjectVersions"]


def test_a_run_that_is_out_of_time_is_taken_up_again_and_counts_nothing_twice(s3, monkeypatch):
    monkeypatch.setattr("ses_integration.stored_mail.KEYS_PER_CALL", 2)
    put(s3, *(f"{PREFIX}{number}" for number in range(5)))
    runs = [erase(PREFIX, seconds=0) for _ in range(4)]
    assert [(run.versions, run.finished) for run in runs] == [(2, False), (2, False), (1, False), (0, True)]


def test_a_prefix_without_its_slash_is_refused():
    with pytest.raises(ValueError, match="slash"):
        erase("emails/example.co", seconds=10)


def test_a_key_that_s3_keeps_is_reported(s3, ses):
    s3.put_bucket_versioning(Bucket="inbound-mail", VersioningConfiguration={"Status": "Enabled"})
    put(s3, f"{PREFIX}1")
    ses.add_faults({"service": "s3", "action": "DeleteObjects", "fault": "access_denied"})
    with pytest.raises(SesError) as error:
        erase(PREFIX, seconds=10)
    assert error.value.sentence == "AWS does not allow this call; the credentials lack a permission."
    assert left(s3) == [f"{PREFIX}1"]


def test_without_a_bucket_name_nothing_is_tried(settings):
    settings.S3_BUCKET_NAME = ""
    with pytest.raises(NotConfigured):
        erase(PREFIX, seconds=10)
