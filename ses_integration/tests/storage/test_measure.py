from __future__ import annotations

import boto3
import pytest

from ses_integration.storage import bucket, inventory
from ses_integration.storage.inventory import MailSize, Stored, measure_mail

pytestmark = pytest.mark.usefixtures("ses")


@pytest.fixture
def mails(monkeypatch):
    """Three, and two to a call."""
    s3 = boto3.client("s3", region_name="eu-west-1")
    for number in range(3):
        s3.put_object(Bucket="inbound-mail", Key=f"a/{number}", Body=b"12345")
    monkeypatch.setattr(bucket, "KEYS_PER_CALL", 2)


def test_within_the_bound_the_measurement_is_complete(mails, ses):
    ses.clear_journal()
    assert measure_mail("a/") == MailSize(Stored(objects=3, versions=3, bytes=15), complete=True)
    assert [entry["action"] for entry in ses.journal()] == ["ListObjectVersions"] * 2
    assert measure_mail("b/") == MailSize(Stored(), complete=True)


def test_at_the_bound_the_measurement_is_a_lower_limit(mails, ses, monkeypatch):
    monkeypatch.setattr(inventory, "MAX_PAGES", 1)
    ses.clear_journal()
    assert measure_mail("a/") == MailSize(Stored(objects=2, versions=2, bytes=10), complete=False)
    assert len(ses.journal()) == 1


@pytest.mark.parametrize("fault", ["access_denied", "fail", "dropped"])
def test_a_failed_measurement_has_a_reason_and_no_number(mails, ses, fault):
    ses.add_faults({"service": "s3", "fault": fault, "times": None})
    size = measure_mail("a/")
    assert (size.stored, size.complete) == (None, False)
    assert size.why.startswith("AWS ")


def test_without_a_bucket_the_reason_says_so(settings):
    settings.S3_BUCKET_NAME = ""
    assert measure_mail("a/") == MailSize(None, why="S3_BUCKET_NAME is missing.")
