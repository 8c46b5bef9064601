"""One mail goes to one recipient, and each refusal says what it means for this mail and for others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.request import urlopen

import boto3
import pytest
from django.utils import timezone

from ses_integration.errors import (
    BadCredentials,
    NotConfigured,
    Refused,
    SendingHalted,
    SendingRefused,
    SesError,
    Throttled,
    Unanswered,
    Unsent,
)
from ses_integration.models import SendingLimit
from ses_integration.sending import send
from ses_integration.sending.send import send_mail

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite_only]

RAW = b"From: Jo <jo@example.com>\r\nTo: alias@example.com\r\nSubject: Hello\r\n\r\nH\xc3\xa9llo\r\n"


def sent(recipient: str = "ann@example.net", raw: bytes = RAW, sender: str = "jo@example.com", **tags: str) -> str:
    return send_mail(sender, recipient, raw, tags=tags, seconds=5)


def refusal(aws: Any, code: str, message: str = "", status: int = 400) -> SesError:
    aws.add_faults({"action": "SendEmail", "fault": "error", "code": code, "message": message, "status": status})
    with pytest.raises(SesError) as error:
        sent()
    return error.value


def test_the_mail_goes_to_the_recipient_alone_and_its_body_is_what_was_given(sender):
    ses_id = sent(delivery="ind_1", kind="forward")
    [mail] = sender.outbox()
    assert (mail["id"], mail["from"], mail["to"]) == (ses_id, "jo@example.com", ["ann@example.net"])
    assert mail["tags"] == {"delivery": "ind_1", "kind": "forward"}
    with urlopen(f"{sender.url}/_outbox/{ses_id}") as raw:
        assert raw.read().partition(b"\r\n\r\n")[2] == RAW.partition(b"\r\n\r\n")[2]


def test_a_mail_is_sent_with_one_call_and_takes_none_of_the_control_calls(sender, settings):
    settings.SES_CALLS_PER_SECOND = 0.001
    sent()
    sent()
    assert [entry["action"] for entry in sender.journal()] == ["SendEmail", "SendEmail"]


def test_the_configuration_set_of_the_settings_is_used(sender, settings):
    settings.SES_CONFIGURATION_SET = "out"
    boto3.client("sesv2", region_name="eu-west-1").create_configuration_set(ConfigurationSetName="out")
    sent()
    assert sender.outbox()[0]["configurationSet"] == "out"


def test_a_missing_configuration_set_halts_everything(sender, settings):
    settings.SES_CONFIGURATION_SET = "out"
    with pytest.raises(SendingHalted) as error:
        sent()
    assert error.value.sentence == "There is no configuration set out in eu-west-1: run ses_setup --mail."


def test_a_mail_that_is_too_large_is_refused_before_it_is_sent(sender):
    with pytest.raises(SendingRefused):
        sent(raw=RAW + b"x" * send.MOST_RAW_BYTES)
    assert sender.journal() == []


def test_the_largest_mail_is_sent(sender):
    line = b"x" * 76 + b"\r\n"
    sent(raw=RAW + line * ((send.MOST_RAW_BYTES - len(RAW)) // len(line)))
    assert len(sender.outbox()) == 1


def test_an_unverified_sender_is_told_from_an_unverified_recipient_in_the_sandbox(sender):
    sender.limit_sending(sandbox=True)
    with pytest.raises(SendingHalted, match="sandbox"):
        sent()
    with pytest.raises(SendingHalted, match="sender's domain"):
        sent(sender="jo@example.org")
    assert sender.outbox() == []


def test_a_paused_account_halts_everything_and_says_so(sender):
    sender.limit_sending(paused=True)
    with pytest.raises(SendingHalted, match="paused") as error:
        sent()
    assert (error.value.needs_attention, error.value.code, error.value.retry_after) == (True, "SendingPaused", 900)


@pytest.mark.parametrize(
    ("code", "message", "status"),
    [
        ("AccountSuspendedException", "", 400),
        ("MailFromDomainNotVerifiedException", "", 400),
        ("AccessDeniedException", "not authorized to perform `ses:SendRawEmail'", 403),
        ("LimitExceededException", "Daily message quota exceeded.", 400),
        ("TooManyRequestsException", "Daily message quota exceeded.", 429),
    ],
)
def test_what_holds_for_every_mail_halts(sender, code, message, status):
    assert isinstance(refusal(sender, code, message, status), SendingHalted)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("MessageRejected", "Transaction failed: Duplicate header 'DKIM-Signature'."),
        ("BadRequestException", "Local address contains control or whitespace"),
    ],
)
def test_what_holds_for_this_mail_only_refuses_it(sender, code, message):
    error = refusal(sender, code, message)
    assert (type(error), error.code) == (SendingRefused, code.removesuffix("Exception"))


def test_an_address_that_is_none_is_refused(sender):
    with pytest.raises(SendingRefused):
        sent(recipient="no address")


@pytest.mark.parametrize("fault", ["lost", "dropped", "page", "fail"])
def test_without_an_answer_of_ses_the_mail_may_have_been_sent(sender, fault):
    sender.add_faults({"action": "SendEmail", "fault": fault})
    with pytest.raises(Unanswered) as error:
        sent()
    assert not isinstance(error.value, Refused)
    assert len(sender.outbox()) == (1 if fault == "lost" else 0)


def test_unusable_credentials_are_reported_as_for_every_call(sender):
    assert isinstance(refusal(sender, "UnrecognizedClientException", status=403), BadCredentials)


def test_without_a_region_nothing_is_sent(settings):
    settings.AWS_REGION = ""
    with pytest.raises(NotConfigured) as error:
        sent()
    assert isinstance(error.value, Unsent)


def test_a_throttled_mail_makes_everybody_wait_and_the_limits_be_asked_for(sender):
    now = timezone.now()
    SendingLimit.objects.create(
        region="eu-west-1", per_second=9, per_day=0, sent=0, next_slot=now, ask_at=now + timedelta(minutes=4)
    )
    error = refusal(sender, "TooManyRequestsException", "Maximum sending rate exceeded.", 429)
    row = SendingLimit.objects.get()
    assert isinstance(error, Throttled)
    assert row.next_slot > now + timedelta(seconds=0.9)
    assert row.ask_at < timezone.now()


def test_the_log_has_the_reason_and_no_local_part(sender, caplog):
    refusal(sender, "MessageRejected", "Email address is not verified: ann@example.net, <Jo.Doe+x@example.com>")
    assert "not verified: …@example.net, <…@example.com>" in caplog.text
    assert "ann@" not in caplog.text
