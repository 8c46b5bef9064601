"""`mail_worker --once` does what is due, and says what it has done and what is left."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now
from django.utils import timezone

from inbound.tests.support.factories import MessageFactory
from mail.models import Message
from mail.tests.arrival.arrivals import listed
from mail.tests.postbox import Postbox, work

pytestmark = [pytest.mark.postgresql]


def once(*options: str) -> tuple[int, str]:
    """Run the command. Returns its exit code and what it says."""
    said = StringIO()
    try:
        call_command("mail_worker", "--once", *options, stdout=said)
    except SystemExit as end:
        return int(end.code or 0), said.getvalue().strip()
    return 0, said.getvalue().strip()


def test_a_mail_is_listed_and_read(postbox: Postbox) -> None:
    ses_id = postbox.deliver()
    counts = work()
    assert (counts["noted"], counts["ingested"]) == (1, 1)
    row = Message.objects.get()
    assert (row.ses_id, row.state, row.subject, row.text.strip()) == (ses_id, "ingested", "Hello", "Hi!")
    assert (row.from_name, row.from_address, row.rfc_id) == ("Jo", "jo@example.net", "<1@example.net>")
    assert (row.attempts, row.retry_at, row.problem, row.parse_error) == (1, None, "", "")
    assert row.size
    assert listed() == {(ses_id, "hello@example.com")}
    assert postbox.depth() == (0, 0)


def test_it_says_what_it_has_done(postbox: Postbox, settings: Any) -> None:
    assert once() == (0, "Nothing was due. Nothing is pending.")
    postbox.deliver()
    postbox.deliver()
    assert once() == (0, "Noted 2 mails, read 2 mails. Nothing is pending.")
    postbox.deliver()
    postbox.lose_notifications()
    # What has just been stored counts as well.
    assert settings.MAIL_SWEEP_GRACE_SECONDS > 60
    assert once("--sweep") == (
        0,
        "Compared the bucket for 1 domain, found 1 mail without a notification, read 1 mail. Nothing is pending.",
    )
    assert once("--sweep") == (0, "Compared the bucket for 1 domain. Nothing is pending.")


def test_it_says_what_is_left_and_why(postbox: Postbox) -> None:
    gone = postbox.deliver()
    postbox.delete_object(gone)
    code, said = once()
    assert code == 2
    assert said.startswith("Noted 1 mail. Still pending: 1 mail to read (")
    Message.objects.update(retry_at=Now(), arrived_at=timezone.now() - timedelta(hours=5))
    assert once() == (0, "Gave up 1 mail that S3 does not have. Nothing is pending.")


def test_an_outage_of_s3_is_a_failure_and_the_mail_is_listed(postbox: Postbox) -> None:
    ses_id = postbox.deliver()
    postbox.aws.add_faults({"service": "s3", "action": "GetObject", "fault": "fail", "times": None})
    code, said = once()
    assert code == 2
    assert "Failed: S3:" in said
    assert "Still pending: 1 mail to read" in said
    assert listed() == {(ses_id, "hello@example.com")}


def test_an_outage_of_the_queue_is_a_failure_and_what_is_due_is_read(postbox: Postbox) -> None:
    MessageFactory(domain=postbox.domain, state="arrived", retry_at=timezone.now(), key=postbox.key("x"), ses_id="x")
    postbox.aws.add_faults({"service": "sqs", "action": "*", "fault": "fail", "times": None})
    code, said = once()
    postbox.aws.clear_faults()
    assert code == 2
    assert "Failed: the queue:" in said
    assert Message.objects.get().attempts == 1


def test_what_is_to_be_erased_is_pending_while_s3_refuses(postbox: Postbox) -> None:
    MessageFactory(domain=postbox.domain, state="erasing", retry_at=timezone.now(), key=postbox.key("x"), ses_id="x")
    postbox.aws.add_faults({"service": "s3", "action": "*", "fault": "fail", "times": None})
    code, said = once()
    postbox.aws.clear_faults()
    assert (code, said) == (2, "Nothing was due. Still pending: 1 mail to erase (AWS reported an internal error).")
    Message.objects.update(retry_at=Now())
    assert once() == (0, "Erased 1 mail. Nothing is pending.")


def test_without_a_source_it_only_erases(postbox: Postbox, settings: Any) -> None:
    settings.MAIL_SOURCE = "none"
    postbox.deliver()
    MessageFactory(domain=postbox.domain, state="erasing", retry_at=timezone.now(), key=postbox.key("x"), ses_id="x")
    assert once("--sweep") == (
        0,
        "MAIL_SOURCE is none: stored mail is left alone, and only erased when it has to be; deliveries are made. Erased 1 mail. "
        "Nothing is pending.",
    )
    assert postbox.depth() == (1, 0)


@pytest.mark.parametrize("options", [("--parsers", "0"), ("--receivers", "33"), ("--parsers", "many")])
def test_wrong_usage_is_refused(options: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=r"must be from 1 to 32|invalid number value"):
        call_command("mail_worker", "--once", *options)
