"""One stored mail: read whole or in pieces, and erased without its neighbours."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest

from ses_integration.errors import NotConfigured, NotStored, Refused, SesError, Throttled, Unanswered
from ses_integration.storage.mail import MailFolder
from ses_integration.storage.objects import StoredMail

pytestmark = pytest.mark.sqlite_only

BUCKET = "inbound-mail"
PREFIX = "emails/example.com/indm_1/"
KEY = f"{PREFIX}mail"
# More than a piece.
LARGE = bytes(range(256)) * 3000
ODD_KEYS = [f"{PREFIX}a b&c=d+e%20;f", f"{PREFIX}ü\x07", f"{PREFIX}'\"<x>", f"{PREFIX}%2F"]


def put(s3, key: str = KEY, body: bytes = b"mail") -> None:
    s3.put_object(Bucket=BUCKET, Key=key, Body=body)


def fetched(key: str = KEY, most: int = 10**9) -> tuple[int, bytes]:
    file = io.BytesIO()
    return StoredMail(key).fetch(file, most), file.getvalue()


def left(s3) -> list[tuple[str, str]]:
    page = s3.list_object_versions(Bucket=BUCKET)
    return [(item["Key"], item["VersionId"]) for item in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]]


@pytest.mark.parametrize("body", [b"", b"mail", LARGE])
def test_a_mail_is_read_whole(s3, body):
    put(s3, body=body)
    assert fetched() == (len(body), body)


@pytest.mark.parametrize("body", [b"", b"mail", LARGE])
def test_a_mail_is_read_in_pieces(s3, body):
    put(s3, body=body)
    size, pieces = StoredMail(KEY).stream()
    assert (size, b"".join(pieces)) == (len(body), body)


@pytest.mark.parametrize("most", [0, 1, len(LARGE) - 1, len(LARGE), len(LARGE) + 1])
def test_no_more_than_allowed_is_read_of_a_large_mail(s3, most):
    put(s3, body=LARGE)
    assert fetched(most=most) == (len(LARGE), LARGE[:most])


@pytest.mark.parametrize("key", ODD_KEYS)
def test_odd_keys_are_read_and_erased(s3, key):
    put(s3, key, b"odd")
    assert fetched(key) == (3, b"odd")
    assert StoredMail(key).erase() == 1
    assert left(s3) == []


def test_another_bucket_is_read(s3):
    s3.create_bucket(Bucket="earlier", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="earlier", Key=KEY, Body=b"old")
    size, pieces = StoredMail(KEY, "earlier").stream()
    assert (size, b"".join(pieces)) == (3, b"old")


@pytest.mark.parametrize("read", [fetched, lambda: StoredMail(KEY).stream()])
def test_a_missing_object_is_not_stored(s3, read):
    with pytest.raises(NotStored):
        read()


def test_a_deleted_object_with_older_versions_is_not_stored(s3):
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    put(s3)
    s3.delete_object(Bucket=BUCKET, Key=KEY)
    with pytest.raises(NotStored):
        fetched()


def test_a_missing_bucket_is_a_problem_of_the_configuration(ses):
    with pytest.raises(Refused, match="The bucket that S3_BUCKET_NAME names does not exist") as error:
        StoredMail(KEY, "nobodys-bucket").stream()
    assert error.value.needs_attention


def test_without_a_bucket_nothing_is_read(ses, settings):
    settings.S3_BUCKET_NAME = ""
    with pytest.raises(NotConfigured):
        fetched()


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"fault": "fail"}, Unanswered),
        ({"fault": "dropped"}, Unanswered),
        ({"fault": "page"}, Unanswered),
        ({"fault": "page", "status": 404}, Unanswered),
        ({"fault": "throttle"}, Throttled),
        ({"fault": "access_denied"}, Refused),
        ({"fault": "cut_body"}, Unanswered),
    ],
)
def test_an_error_of_s3_does_not_mean_that_the_mail_is_missing(ses, s3, fault, expected):
    put(s3)
    ses.add_faults({"service": "s3", "action": "GetObject", **fault})
    with pytest.raises(expected) as error:
        fetched()
    assert not isinstance(error.value, NotStored)
    assert fetched() == (4, b"mail")


def test_all_versions_of_exactly_this_key_are_erased(s3):
    put(s3)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for key in (KEY, KEY, f"{KEY}2", f"{KEY}/part", PREFIX + "mai"):
        put(s3, key)
    s3.delete_object(Bucket=BUCKET, Key=KEY)
    assert StoredMail(KEY).erase() == 4
    assert {key for key, _ in left(s3)} == {f"{KEY}2", f"{KEY}/part", PREFIX + "mai"}
    assert StoredMail(KEY).erase() == 0


def test_what_s3_refuses_to_delete_is_an_error(ses, s3):
    put(s3)
    ses.add_faults({"service": "s3", "fault": "refuse_keys", "code": "AccessDenied", "times": None})
    with pytest.raises(SesError, match="AccessDenied") as error:
        StoredMail(KEY).erase()
    assert error.value.needs_attention


def test_what_s3_cannot_delete_just_now_is_deleted_a_little_later(ses, s3):
    put(s3)
    ses.add_faults({"service": "s3", "fault": "refuse_keys", "code": "SlowDown", "times": 1})
    assert StoredMail(KEY).erase() == 1


@pytest.mark.parametrize("key", ["", "emails/example.com/indm_1/"])
def test_a_folder_is_no_mail(key):
    with pytest.raises(ValueError, match="Not the key of a mail"):
        StoredMail(key)


def test_keys_are_listed_page_by_page(s3, monkeypatch):
    monkeypatch.setattr("ses_integration.storage.bucket.KEYS_PER_CALL", 2)
    before = datetime.now(UTC) - timedelta(seconds=1)
    names = sorted(["a", "b b", "c&", "ü", "A"], key=str.encode)
    for name in names:
        put(s3, PREFIX + name, name.encode())
    put(s3, "emails/example.com/indm_2/other")
    folder = MailFolder(PREFIX)
    pages = [folder.keys()]
    while pages[-1].next:
        pages.append(folder.keys(pages[-1].next))
    found = [key for page in pages for key in page.keys]
    assert [len(page.keys) for page in pages] == [2, 2, 1]
    assert [(key.key, key.size) for key in found] == [(PREFIX + name, len(name.encode())) for name in names]
    assert all(before <= key.stored_at <= datetime.now(UTC) for key in found)


def test_an_empty_folder_has_no_keys(ses):
    page = MailFolder(PREFIX).keys()
    assert (page.keys, page.next) == ([], "")
