"""`import_domain --with-mail`: every byte is as before, and nothing is delivered"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

import pytest
from django.core.management import CommandError, call_command

from archives.tests.format.reading.making import Making
from archives.tests.imports.rows import delete, everything
from archives.tests.reading import read
from domains.models import Domain
from inbound.tests.support.aws import stored_keys
from mail.arrival.note import note
from mail.models import Delivery, Message, ReceivedEmail
from mail.tests.arrival.arrivals import arrival
from mail.tests.inbox import RAW, mail_with, stored
from mail.tests.postbox import work
from ses_integration.api import StoredMail

pytestmark = pytest.mark.usefixtures("ses")

LARGE = mail_with(("big.bin", "application/octet-stream", bytes(range(256)) * 4000))
ODD = b"\x00\xff no mail at all \r\n\n\r"
AT = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def read_mail(settings):
    settings.MAIL_SOURCE, settings.MAIL_SWEEP_GRACE_SECONDS = "sweep", 0


@pytest.fixture
def mails(full):
    """Three mails to addresses of `example.com` that are routed: read, archived, and odd."""
    for raw, to in ((RAW, "hello"), (LARGE, "info"), (ODD, "hello")):
        stored(full, raw, recipient=f"{to}@example.com", envelope_from="jo@example.net", spf="PASS", arrived_at=AT)
    ReceivedEmail.objects.update(arrived_at=AT, is_read=True, read_at=AT)
    return full


@pytest.fixture
def deleted(mails, exported):
    """The archive of the domain, which is gone with its mail."""
    file = exported("--with-secrets")
    delete(mails)
    Message.objects.all().delete()
    return file


def hashes(raw: bytes) -> dict[str, tuple[str, str]]:
    return {mail["sesMessageId"]: (mail["sha256"], mail["arrivedAt"]) for mail in read(raw).mails}


def test_every_mail_is_as_before_and_none_is_delivered(mails, deleted, importing, tmp_path):
    code, answer = importing(deleted, mails.owner, "--with-mail")
    assert (code, answer["mails"]) == (0, {"stored": 3, "existing": 0, "missing": 0})
    work(sweep=True)
    domain = Domain.objects.get()
    assert set(stored_keys()) >= {domain.key_prefix + message.ses_id for message in Message.objects.all()}
    assert set(Message.objects.values_list("state", "source", "arrived_at", "envelope_from", "spf")) == {
        ("ingested", "import", AT, "jo@example.net", "PASS")
    }
    emails = ReceivedEmail.objects.all()
    assert sorted(emails.values_list("recipient", flat=True)) == [
        "hello@example.com",
        "hello@example.com",
        "info@example.com",
    ]
    assert {(email.disposition, email.route["reason"]) for email in emails} == {("stored", "history")}
    assert set(emails.values_list("is_read", "read_at", "owner")) == {(True, AT, mails.owner.pk)}
    assert Message.objects.filter(subject="Hi", attachment_count=1).count() == 2
    for endpoint in ("Hook", "Box"):
        call_command("mail_retry", "--endpoint", endpoint, "--yes")
    assert not Delivery.objects.exists()
    again = tmp_path / "again.zip"
    call_command("export_domain", "example.com", "--to", str(again))
    with open(deleted, "rb") as first:
        assert hashes(again.read_bytes()) == hashes(first.read())


def test_a_late_notification_does_not_deliver_it(mails, deleted, importing):
    importing(deleted, mails.owner, "--with-mail")
    work()
    domain = Domain.objects.get()
    ses_id = Message.objects.values_list("ses_id", flat=True)[0]
    note([arrival(domain, ses_id, "hello@example.com", "info@example.com")], source=Message.Source.QUEUE)
    work(sweep=True)
    assert set(ReceivedEmail.objects.values_list("disposition", flat=True)) == {"stored"}
    assert not Delivery.objects.exists()


def test_a_second_run_leaves_what_exists(mails, deleted, ses, importing):
    importing(deleted, mails.owner, "--with-mail")
    work()
    rows = set(Message.objects.values_list("pk", "state"))
    ses.clear_journal()
    code, answer = importing(deleted, mails.owner, "--with-mail")
    assert (code, answer["exists"], answer["mails"]) == (0, True, {"stored": 0, "existing": 3, "missing": 0})
    assert set(Message.objects.values_list("pk", "state")) == rows
    assert "PutObject" not in [entry["action"] for entry in ses.journal()]


def test_a_run_that_was_interrupted_goes_on(mails, deleted, ses, importing):
    ses.add_faults({"service": "s3", "action": "PutObject", "fault": "access_denied", "times": 2})
    code, answer = importing(deleted, mails.owner, "--with-mail")
    assert (code, answer["mails"]) == (2, None)
    assert answer["problem"]
    # A sweep takes no mail of it for new, whether its bytes are there or not.
    work(sweep=True)
    assert not Delivery.objects.exists()
    code, answer = importing(deleted, mails.owner, "--with-mail")
    assert code == 0
    assert answer["mails"]["stored"] + answer["mails"]["existing"] == 3
    work(sweep=True)
    assert set(Message.objects.values_list("state", flat=True)) == {"ingested"}
    assert {email.route["reason"] for email in ReceivedEmail.objects.all()} == {"history"}
    assert not Delivery.objects.exists()


def test_mail_that_was_noted_before_the_bucket_was_renamed_is_in_the_new_one(mails, deleted, ses, importing):
    ses.add_faults({"service": "s3", "action": "PutObject", "fault": "access_denied", "times": None})
    importing(deleted, mails.owner, "--with-mail")
    Message.objects.update(bucket="earlier-bucket")
    ses.clear_faults()
    assert importing(deleted, mails.owner, "--with-mail")[0] == 0
    work()
    assert set(Message.objects.values_list("state", flat=True)) == {"ingested"}


def test_mail_can_be_added_to_the_domain_later(mails, deleted, importing):
    importing(deleted, mails.owner)
    domain = Domain.objects.get()
    assert not Message.objects.exists()
    code, answer = importing(deleted, mails.owner, "--with-mail")
    assert (code, answer["domainId"], answer["mails"]["stored"]) == (0, domain.pk, 3)


def test_a_dry_run_changes_nothing(mails, deleted, ses, importing):
    rows = everything()
    ses.clear_journal()
    assert importing(deleted, mails.owner, "--with-mail", "--dry-run")[0] == 0
    assert (everything(), ses.journal()) == (rows, [])


def test_a_dry_run_for_a_domain_that_exists_says_at_most_how_many(mails, deleted, importing, capsys):
    call_command("import_domain", deleted, "--owner", mails.owner.username, "--with-mail", "--dry-run")
    assert "\n  3 mails as history" in capsys.readouterr().out
    importing(deleted, mails.owner, "--with-mail")
    capsys.readouterr()
    call_command("import_domain", deleted, "--owner", mails.owner.username, "--with-mail", "--dry-run")
    assert "\n  at most 3 mails as history" in capsys.readouterr().out


def test_mail_that_the_archive_does_not_have_is_missing(user, given, importing):
    code, answer = importing(given(Making(mail=numbered()).bytes()), user, "--with-mail")
    assert (code, answer["mails"]) == (2, {"stored": 3, "existing": 0, "missing": 1})
    work(sweep=True)
    assert list(Message.objects.filter(state="missing").values_list("ses_id", flat=True)) == ["ses2"]


def numbered():
    """Gives each mail an id of its own."""
    numbers = count(1)
    return lambda values: values | {"sesMessageId": f"ses{next(numbers)}"}


@pytest.mark.parametrize("ses_id", ["../1", "a/b", "", ".", "..", "x" * 256, "a b"])
def test_a_mail_whose_key_would_lead_elsewhere_is_refused(ses_id, user, given):
    making = Making(mail=lambda values: values | {"sesMessageId": ses_id})
    with pytest.raises(CommandError, match="has no sesMessageId that can be read"):
        call_command("import_domain", given(making.bytes()), "--owner", user.username, "--with-mail")
    assert not Domain.objects.exists()


def test_mail_that_the_bucket_has_lost_comes_back_as_history(full, exported, importing):
    """SES had told of it, and S3 had it when it was exported, but it was never read."""
    email = stored(full, RAW, recipient="hello@example.com", arrived_at=AT)
    file = exported()
    StoredMail(email.message.key).erase()
    Message.objects.update(state="missing", source="queue", ingested_at=None)
    ReceivedEmail.objects.update(disposition="received", route={})
    code, answer = importing(file, full.owner, "--with-mail")
    assert (code, answer["mails"]) == (0, {"stored": 1, "existing": 0, "missing": 0})
    work(sweep=True)
    assert list(ReceivedEmail.objects.values_list("pk", "disposition", "route__reason")) == [
        (email.pk, "stored", "history")
    ]
    assert not Delivery.objects.exists()
