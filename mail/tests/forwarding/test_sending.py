"""What SES refuses, delays or does not answer: who gets the mail, when, and what the delivery says."""

from __future__ import annotations

from datetime import timedelta

import boto3
import pytest
from django.db.models import F
from django.utils import timezone

from domains.models import Domain
from endpoints.models import Endpoint
from mail.delivery.claims import claim
from mail.delivery.result import Kind
from mail.forwarding.attempt import attempt
from mail.models import Delivery, ForwardRecipient
from mail.tests.delivery.deliveries import seconds_until
from ses_integration.models import SendingLimit

pytestmark = pytest.mark.sqlite_only

ANN, BOB, CAT = "ann@example.net", "bob@example.net", "cat@example.net"


def error(code: str, message: str = "", **fault: object) -> dict[str, object]:
    return {"action": "SendEmail", "fault": "error", "code": code, "message": message, "status": 400, **fault}


def test_a_refusal_for_one_member_does_not_keep_the_others_from_it(forwards_to):
    forwards = forwards_to(ANN, BOB, CAT)
    forwards.aws.add_faults(error("MessageRejected", skip=1))

    delivery = forwards.forward()

    assert forwards.reached() == [ANN, CAT]
    assert forwards.states() == {ANN: "sent", BOB: "failed", CAT: "sent"}
    assert delivery.state == Delivery.State.DELIVERED
    assert delivery.response["toAddresses"] == [ANN, CAT]
    assert "does not accept" in delivery.response["recipients"][1]["error"]


def test_a_mail_that_is_refused_for_everybody_is_dead(forwards_to):
    forwards = forwards_to(ANN, BOB)
    forwards.aws.add_faults(error("MessageRejected", times=2))

    delivery = forwards.forward()

    assert delivery.state == Delivery.State.DEAD
    assert "does not accept the contents" in delivery.problem


def test_paused_sending_waits_a_quarter_of_an_hour_and_says_why(forwards_to):
    forwards = forwards_to(ANN)
    forwards.aws.limit_sending(paused=True)

    delivery = forwards.forward()

    assert (delivery.state, delivery.attempts) == (Delivery.State.DUE, 0)
    assert "Sending is paused" in delivery.problem
    assert 850 < seconds_until(delivery, "retry_at") <= 900
    forwards.aws.limit_sending(paused=False)
    forwards.again()
    assert forwards.reached() == [ANN]


def test_a_sandbox_waits_for_a_person(forwards_to):
    forwards = forwards_to(ANN)
    forwards.aws.limit_sending(sandbox=True)

    delivery = forwards.forward()

    assert delivery.state == Delivery.State.DUE
    assert "sandbox" in delivery.problem


def test_a_member_that_the_sandbox_does_not_allow_does_not_keep_the_others_from_it(forwards_to):
    boto3.client("sesv2", region_name="eu-west-1").create_email_identity(EmailIdentity="example.org")
    forwards = forwards_to(ANN, "bob@example.org")
    forwards.aws.limit_sending(sandbox=True)

    delivery = forwards.forward()

    assert (delivery.state, forwards.reached()) == (Delivery.State.DUE, ["bob@example.org"])
    forwards.aws.limit_sending(sandbox=False)
    forwards.again()
    assert forwards.reached() == ["bob@example.org", ANN]


@pytest.mark.parametrize(
    "fault", [{"fault": "throttle"}, error("TooManyRequestsException", "Maximum sending rate exceeded.")]
)
def test_throttled_mail_goes_on_where_it_stopped_and_spends_no_attempt(forwards_to, fault):
    forwards = forwards_to(ANN, BOB, CAT)
    forwards.aws.add_faults({"action": "SendEmail", "skip": 1, **fault})

    delivery = forwards.forward()

    assert (delivery.state, delivery.attempts) == (Delivery.State.DUE, 0)
    assert forwards.reached() == [ANN]
    assert delivery.response["toAddresses"] == [ANN]
    forwards.again()
    assert forwards.reached() == [ANN, BOB, CAT]


@pytest.mark.parametrize(("fault", "copies"), [("lost", 2), ("dropped", 1)])
def test_without_an_answer_one_member_may_get_a_second_copy_and_no_other(forwards_to, fault, copies):
    forwards = forwards_to(ANN, BOB, CAT)
    forwards.aws.add_faults({"action": "SendEmail", "fault": fault, "skip": 1})

    delivery = forwards.forward()

    # An attempt of the schedule, so that it does not go on for ever.
    assert (delivery.state, delivery.attempts) == (Delivery.State.DUE, 1)
    forwards.again()
    assert sorted(forwards.reached()) == sorted([ANN, *[BOB] * copies, CAT])
    assert set(forwards.states().values()) == {"sent"}


def test_s3_that_does_not_answer_is_asked_again(forwards_to):
    forwards = forwards_to(ANN)
    forwards.aws.add_faults({"service": "s3", "action": "GetObject", "fault": "fail", "times": None})

    delivery = forwards.forward()

    assert (delivery.state, delivery.attempts) == (Delivery.State.DUE, 0)
    forwards.aws.clear_faults()
    forwards.again()
    assert forwards.reached() == [ANN]


def test_a_mail_that_is_gone_from_the_bucket_is_dead(forwards_to):
    forwards = forwards_to(ANN)
    delivery = forwards.receive()
    forwards.postbox.delete_object(delivery.received.message.ses_id)

    forwards.attempt()

    delivery.refresh_from_db()
    assert (delivery.state, delivery.problem) == ("dead", "S3 does not have the mail any more.")


def test_without_a_free_slot_it_waits_its_turn(forwards_to):
    forwards = forwards_to(ANN, BOB)
    forwards.forward()
    SendingLimit.objects.update(next_slot=timezone.now() + timedelta(seconds=30))
    # It is not even fetched.
    forwards.aws.add_faults({"service": "s3", "action": "GetObject", "fault": "fail", "times": None})

    delivery = forwards.forward()

    assert (delivery.state, delivery.attempts, forwards.reached()) == (Delivery.State.DUE, 0, [ANN, BOB])
    assert "waits its turn" in delivery.problem
    assert 20 < seconds_until(delivery, "retry_at") <= 30


@pytest.mark.parametrize(
    "change",
    [
        lambda: Delivery.objects.update(leased_until=timezone.now() - timedelta(seconds=1)),
        lambda: Delivery.objects.update(attempts=F("attempts") + 1),
        lambda: Delivery.objects.update(state="withdrawn"),
        lambda: Domain.objects.update(deleting_since=timezone.now()),
        lambda: Endpoint.objects.update(is_active=False),
    ],
    ids=["lease ended", "claimed by another", "withdrawn", "domain being deleted", "endpoint switched off"],
)
def test_a_delivery_that_must_not_be_made_any_more_is_left_alone(forwards_to, change):
    forwards = forwards_to(ANN)
    forwards.receive()
    (claimed,) = claim(1).deliveries
    change()

    assert attempt(claimed).kind == Kind.LOST
    assert not forwards.sent()


def test_a_member_that_got_it_before_the_process_died_gets_no_second_copy(forwards_to):
    forwards = forwards_to(ANN, BOB, CAT)
    delivery = forwards.receive()
    for address in (ANN, BOB):
        ForwardRecipient.objects.create(delivery=delivery, address=address, state="sent", ses_message_id="before")

    forwards.attempt()

    assert forwards.reached() == [CAT]
    delivery.refresh_from_db()
    assert delivery.response["toAddresses"] == [ANN, BOB, CAT]
