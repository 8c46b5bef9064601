"""`send_test_mail --wait` follows the mail, and says what is wrong if it is not read."""

from __future__ import annotations

import re

import pytest
from django.core.management import CommandError

from inbound.tests.support.factories import EmailAddressFactory
from mail.models import ReceivedEmail


def test_each_step_is_shown_with_its_time(reading, send) -> None:
    code, shown, errors = send("hello@example.com", "--wait")
    assert (code, errors) == (0, "")
    row = ReceivedEmail.objects.get()
    accepted, listed, read, routed = shown.splitlines()
    assert accepted.endswith(f": 250 OK {row.message.ses_id}")
    assert re.fullmatch(rf" *[\d,]+ ms  listed as {row.pk} for hello@example\.com: Notification from SQS", listed)
    assert re.fullmatch(r" *[\d,]+ ms  read: 0 attachments, 1\.2 KB stored, parsed in 2 ms", read)
    assert routed.endswith("ms  hello@example.com: stored only. The address has no endpoint.")


def test_every_recipient_is_waited_for(reading, domain, send) -> None:
    EmailAddressFactory(domain=domain, address="info@example.com")
    code, shown, _ = send("hello@example.com", "Info@example.com", "HELLO@example.com", "--wait")
    assert code == 0
    assert shown.count("listed as") == 2
    assert shown.count("read: ") == 1


def test_many_mails_are_followed_together(reading, send) -> None:
    code, shown, _ = send("hello@example.com", "--count", "25", "--wait")
    assert code == 0
    assert re.search(r"ms  25 of 25 listed, half of them after \d+\.\d\d s\n", shown)
    assert re.search(r"ms  25 of 25 mails read\n.* ms  Nothing to deliver\n$", shown)


def test_mail_of_somebody_else_with_the_same_words_is_not_mistaken_for_it(reading, send) -> None:
    send("hello@example.com", "--wait")
    first = ReceivedEmail.objects.get()
    _, shown, _ = send("hello@example.com", "--wait")
    assert first.pk not in shown


def test_without_a_mail_worker_it_says_how_to_start_one(domain, send) -> None:
    code, shown, errors = send("hello@example.com", "--wait", "0")
    assert code == 2
    assert "listed" not in shown
    assert errors == (
        "Not listed within 0 s. 1 notification in the queue, and nobody takes them. Start mail_worker: "
        "python manage.py mail_worker\n"
    )


def test_without_a_source_it_names_the_setting(domain, send, settings) -> None:
    settings.MAIL_SOURCE = "none"
    code, _, errors = send("hello@example.com", "--wait", "0")
    assert code == 2
    assert "MAIL_SOURCE is none" in errors


def test_a_lost_notification_is_left_to_the_sweep(domain, send, settings, ses) -> None:
    settings.SES_QUEUE_URL = ses.prepare_mail(settings.AWS_REGION, topic="another", queue="another").queue_url
    code, _, errors = send("hello@example.com", "--wait", "0")
    assert code == 2
    assert errors.startswith("Not listed within 0 s. The queue is empty, so its notification was lost or never sent")


def test_mail_that_is_listed_and_not_read_is_explained(noting, send) -> None:
    code, shown, errors = send("hello@example.com", "--wait", "3")
    assert code == 2
    assert "listed as" in shown
    assert errors.startswith("Not read within 3 s. Nobody has read it yet.")


def test_mail_that_s3_does_not_have_is_no_success(losing, send) -> None:
    code, shown, errors = send("hello@example.com", "--wait")
    assert (code, errors) == (2, "")
    assert shown.endswith("ms  Missing: S3 does not have it. Not found for 4 hours.\n")


def test_a_domain_of_another_installation_cannot_be_followed(domain, send) -> None:
    domain.name = "example.net"
    type(domain).objects.update(name="example.net")
    with pytest.raises(CommandError, match=r"domains in the database; this is none: example\.com"):
        send("hello@example.com", "--wait")
