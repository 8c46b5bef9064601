"""The mail worker makes the archive of an export."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from archives.building import build
from archives.exports.service import AlreadyRunning, start_export
from archives.exports.task import run_exports
from archives.models import Export, ExportPart
from archives.tests.reading import Read, read
from inbound.tests.support.aws import stored_keys
from mail.models import Message
from mail.tests.inbox import stored
from ses_integration.aws import clients


@pytest.fixture
def small_parts(monkeypatch):
    """Folders of two mails. S3 does not take parts this small, so their size is not looked at."""
    monkeypatch.setattr(build, "PART_BYTES", 1)
    monkeypatch.setattr(build, "LEAST_BYTES", 1)
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 1)


def uploads() -> list[str]:
    found = clients.s3("eu-west-1").list_multipart_uploads(Bucket="inbound-mail")
    return [upload["Key"] for upload in found.get("Uploads", [])]


def fetched(export: Export) -> Read:
    _, pieces = export.archive.stream()
    return read(b"".join(pieces))


def mails(domain, count: int) -> list[bytes]:
    raws = [f"Subject: {number}\r\n\r\n{'x' * number}".encode() for number in range(count)]
    for number, raw in enumerate(raws):
        stored(domain, raw, arrived_at=timezone.now() - timedelta(minutes=count - number))
    return raws


def test_the_archive_is_in_the_bucket_below_the_prefix_of_the_domain(domain):
    raws = mails(domain, 3)
    export = start_export(domain=domain, account=domain.owner)
    assert (export.state, export.mails) == ("pending", 3)
    assert run_exports() == 1
    export.refresh_from_db()
    assert export.state == "ready"
    assert f"{domain.key_prefix}exports/{export.pk}.zip" in stored_keys()
    found = fetched(export)
    assert list(found.contents.values()) == raws
    assert found.manifest["counts"]["mails"] == export.counts["mails"] == 3
    assert (export.bytes, export.upload) == (export.archive.size(), "")
    assert not ExportPart.objects.exists()
    assert uploads() == []


def test_each_part_is_a_folder(domain, small_parts):
    raws = mails(domain, 3)
    export = start_export(domain=domain, account=domain.owner)
    run_exports()
    found = fetched(Export.objects.get())
    assert list(found.contents) == [f"mails/{number:06}/000001.eml" for number in (2, 3, 4)]
    assert list(found.contents.values()) == raws
    assert export.pk in str(Export.objects.get())


def test_mail_that_arrives_meanwhile_is_in_the_archive(domain, small_parts):
    mails(domain, 2)
    start_export(domain=domain, account=domain.owner)
    new = []

    def stop() -> bool:
        # An old one, as a sweep finds it, and a new one.
        if len(new) < 2:
            raw = f"new {len(new)}".encode()
            stored(domain, raw, arrived_at=timezone.now() - timedelta(days=len(new)))
            new.append(raw)
        return False

    run_exports(stop)
    found = fetched(Export.objects.get())
    assert len(new) == 2
    assert sorted(found.contents.values())[-2:] == sorted(new)
    assert len(found.mails) == 4


def test_mail_that_is_erased_meanwhile_is_left_out_and_counted(domain):
    mails(domain, 2)
    start_export(domain=domain, account=domain.owner)
    lost = Message.objects.order_by("-arrived_at").first()
    clients.s3("eu-west-1").delete_object(Bucket="inbound-mail", Key=lost.key)

    asked = []

    def stop() -> bool:
        asked.append(True)
        if len(asked) > 1:
            # It is listed by now.
            Message.objects.filter(pk=lost.pk).update(state=Message.State.ERASING)
        return False

    run_exports(stop)
    found = fetched(Export.objects.get())
    assert len(found.mails) == 1
    assert found.manifest["counts"]["erased"] == 1


def test_an_export_that_is_not_finished_is_not_started_again(domain):
    export = start_export(domain=domain, account=domain.owner)
    with pytest.raises(AlreadyRunning) as running:
        start_export(domain=domain, account=domain.owner)
    assert running.value.export == export
    run_exports()
    assert start_export(domain=domain, account=domain.owner) != export


def test_another_time_slice_goes_on_with_the_next_part(domain, small_parts):
    raws = mails(domain, 2)
    start_export(domain=domain, account=domain.owner)
    states = []
    for _ in range(10):
        run_exports(seconds=0.000001)
        export = Export.objects.get()
        states.append((export.state, export.parts))
        if export.state == "ready":
            break
    assert states[:2] == [("running", 1), ("running", 2)]
    assert list(fetched(export).contents.values()) == raws


def make_due() -> None:
    """The claim or the pause is over."""
    Export.objects.unfinished().update(retry_at=timezone.now() - timedelta(seconds=1))


class Killed(BaseException):
    """The process ends here, and nothing is cleaned up."""


@pytest.mark.parametrize("call", range(2, 9))
def test_killed_while_it_fetches_mail_another_process_goes_on(domain, small_parts, call):
    raws = mails(domain, 3)
    start_export(domain=domain, account=domain.owner)
    calls = 0

    def stop() -> bool:
        nonlocal calls
        calls += 1
        if calls == call:
            raise Killed
        return False

    try:
        run_exports(stop)
    except Killed:
        assert run_exports() == 0, "the claim lasts"
        make_due()
        run_exports()
    found = fetched(Export.objects.get(state="ready"))
    assert list(found.contents.values()) == raws
    assert uploads() == []


@pytest.mark.parametrize("action", ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"])
@pytest.mark.parametrize("fault", ["lost", "dropped", "fail"])
@pytest.mark.parametrize("skip", [0, 1])
def test_whatever_happens_to_a_call_the_archive_is_whole(domain, ses, small_parts, action, fault, skip):
    raws = mails(domain, 2)
    start_export(domain=domain, account=domain.owner)
    ses.add_faults({"service": "s3", "action": action, "fault": fault, "times": 1, "skip": skip})
    run_exports()
    export = Export.objects.get()
    if export.state != "ready":
        assert export.problem
        make_due()
        run_exports()
        export.refresh_from_db()
    assert (export.state, export.problem) == ("ready", "")
    assert list(fetched(export).contents.values()) == raws


def test_an_upload_that_was_ended_begins_again(domain, ses, small_parts):
    raws = mails(domain, 2)
    start_export(domain=domain, account=domain.owner)
    run_exports(seconds=0.000001)
    export = Export.objects.get()
    export.archive.abort(export.upload)
    run_exports(seconds=0.000001)
    run_exports()
    assert list(fetched(Export.objects.get(state="ready")).contents.values()) == raws


def test_a_day_without_progress_is_the_end(domain, ses):
    ses.add_faults({"service": "s3", "action": "CreateMultipartUpload", "fault": "access_denied", "times": None})
    start_export(domain=domain, account=domain.owner)
    run_exports()
    export = Export.objects.get()
    assert (export.state, export.stalled) == ("running", True)
    assert "s3:PutObject" in export.problem
    Export.objects.update(progressed_at=timezone.now() - timedelta(days=2))
    make_due()
    run_exports()
    run_exports()
    export = Export.objects.get()
    assert export.state == "failed"
    assert "s3:PutObject" in export.problem
    ses.clear_faults()
    assert start_export(domain=domain, account=domain.owner).state == "pending"
