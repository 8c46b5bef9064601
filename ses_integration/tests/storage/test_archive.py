"""Archives in S3: upload them in parts, and leave nothing of them."""

from __future__ import annotations

import io

import pytest

from inbound.tests.support.aws import calls
from ses_integration.aws import clients
from ses_integration.errors import NotStored, Refused
from ses_integration.storage.archive import Replaced, StoredArchive, UploadOver
from ses_integration.storage.mail import MailFolder

FIVE_MB = 5 * 1024 * 1024
FOLDER = "emails/example.com/indm_1/"
KEY = f"{FOLDER}exports/e1.zip"


@pytest.fixture
def archive(ses):
    return StoredArchive(KEY)


def uploads() -> list[str]:
    found = clients.s3("eu-west-1").list_multipart_uploads(Bucket="inbound-mail")
    return [upload["Key"] for upload in found.get("Uploads", [])]


def content(archive: StoredArchive) -> bytes:
    size, pieces = archive.stream()
    found = b"".join(pieces)
    assert len(found) == size
    return found


def test_an_archive_is_uploaded_in_parts(archive):
    upload = archive.begin()
    tags = [(number, archive.upload(upload, number, io.BytesIO(part))) for number, part in enumerate(PARTS, 1)]
    assert archive.size() is None
    archive.complete(upload, tags, FIVE_MB + 4)
    assert content(archive) == b"".join(PARTS)
    assert uploads() == []


PARTS = [b"a" * FIVE_MB, b"last"]


def test_a_part_that_is_uploaded_again_replaces_the_first_one(archive):
    upload = archive.begin()
    archive.upload(upload, 1, io.BytesIO(b"killed"))
    archive.complete(upload, [(1, archive.upload(upload, 1, io.BytesIO(b"again")))], 5)
    assert content(archive) == b"again"


def test_an_upload_may_be_completed_again(archive):
    upload = archive.begin()
    tags = [(1, archive.upload(upload, 1, io.BytesIO(b"part")))]
    archive.complete(upload, tags, 4)
    archive.complete(upload, tags, 4)
    assert content(archive) == b"part"


def test_an_upload_that_others_have_ended_is_over(archive):
    upload = archive.begin()
    tag = archive.upload(upload, 1, io.BytesIO(b"part"))
    archive.abort(upload)
    archive.abort(upload)
    with pytest.raises(UploadOver):
        archive.upload(upload, 1, io.BytesIO(b"part"))
    with pytest.raises(UploadOver):
        archive.complete(upload, [(1, tag)], 4)


def test_erasing_leaves_no_version_and_no_upload(archive):
    s3 = clients.s3("eu-west-1")
    s3.put_bucket_versioning(Bucket="inbound-mail", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="inbound-mail", Key=KEY, Body=b"1")
    s3.put_object(Bucket="inbound-mail", Key=KEY, Body=b"2")
    s3.put_object(Bucket="inbound-mail", Key=f"{KEY}.other", Body=b"stays")
    archive.begin()
    other = StoredArchive(f"{KEY}.other").begin()
    assert archive.erase() == 3
    assert archive.erase() == 0
    with pytest.raises(NotStored):
        archive.stream()
    assert content(StoredArchive(f"{KEY}.other")) == b"stays"
    assert uploads() == [f"{KEY}.other"]
    StoredArchive(f"{KEY}.other").abort(other)


def test_it_lies_in_the_folder_of_the_domains_mail(archive):
    upload = archive.begin()
    archive.complete(upload, [(1, archive.upload(upload, 1, io.BytesIO(b"part")))], 4)
    assert [key.key for key in MailFolder(FOLDER).keys().keys] == [KEY]
    list(MailFolder(FOLDER).erase({}, seconds=10))
    assert MailFolder(FOLDER).is_empty()


def test_a_permission_that_lacks_is_named(ses, archive):
    ses.add_faults({"service": "s3", "action": "CreateMultipartUpload", "fault": "access_denied", "times": None})
    with pytest.raises(Refused) as refused:
        archive.begin()
    assert "s3:PutObject" in refused.value.sentence
    assert calls(ses) == []


def test_an_archive_is_stored_at_once_and_read_at_any_place(archive, ses, monkeypatch):
    monkeypatch.setattr("ses_integration.storage.archive.BLOCK", 10)
    whole = bytes(range(95))
    file = archive.open(archive.store(io.BytesIO(whole)), len(whole))
    ses.clear_journal()
    assert (file.seek(-4, 2), file.read(), file.read(1)) == (91, whole[91:], b"")
    assert [(file.seek(at), file.read(7)) for at in (7, 90, 14)] == [(at, whole[at : at + 7]) for at in (7, 90, 14)]
    # Blocks that it has read lately are not read again.
    assert [entry["action"] for entry in ses.journal()] == ["GetObject"] * 4
    file.seek(0)
    assert file.read() == whole


def test_another_object_with_the_same_key_is_not_read(archive):
    file = archive.open(archive.store(io.BytesIO(b"mine")), 4)
    archive.store(io.BytesIO(b"else"))
    with pytest.raises(Replaced):
        file.read()
    archive.erase()
    with pytest.raises(NotStored):
        file.read()
