"""A received mail goes to the members of its endpoint, and the delivery says so."""

from __future__ import annotations

from email import message_from_bytes

import pytest

from endpoints.services import update_endpoint
from inbound.tests.support.factories import DomainFactory
from mail.delivery.replay import retry
from mail.models import Delivery
from mail.tests.forwarding.composing.mails import body_hash
from mail.tests.inbox import mail_with
from mail.tests.postbox import MAIL, work

pytestmark = pytest.mark.sqlite_only

ANN, BOB, CAT = "ann@example.net", "bob@example.net", "cat@example.net"


@pytest.mark.sqlite
def test_a_mail_goes_from_its_sender_to_the_member_through_a_worker(forwards_to, postbox):
    forwards = forwards_to(ANN)

    postbox.deliver()
    work()

    (mail,) = forwards.sent()
    assert (mail["from"], mail["to"]) == ("hello@example.com", [ANN])
    assert mail["headers"]["from"] == '"Jo via example.com" <hello@example.com>'
    assert mail["headers"]["reply-to"] == '"Jo" <jo@example.net>'
    assert mail["headers"]["to"] == "hello@example.com"
    assert mail["subject"] == "Hello"
    for hidden in (b"X-SES-RECEIPT", b"inbound-smtp", b"Return-Path"):
        assert hidden not in forwards.raw()
    delivery = Delivery.objects.get()
    assert delivery.state == Delivery.State.DELIVERED
    told = delivery.response
    assert (told["toAddresses"], told["fromAddress"]) == ([ANN], "hello@example.com")
    assert told["forwardedAt"].endswith("Z")
    assert told["recipients"] == [{"address": ANN, "status": "sent", "sesMessageId": mail["id"]}]


def test_the_signature_of_the_body_still_fits_when_ses_sends_it(forwards_to):
    forwards = forwards_to(ANN)
    raw = mail_with(("böse.pdf", "application/pdf", bytes(range(256)) * 200), text="Grüße")

    forwards.forward(raw)

    assert body_hash(forwards.raw()) == body_hash(raw)


def test_each_member_of_a_group_gets_a_mail_and_sees_nobody_else(forwards_to):
    forwards = forwards_to(ANN, BOB, CAT)

    delivery = forwards.forward()

    assert [mail["to"] for mail in forwards.sent()] == [[ANN], [BOB], [CAT]]
    for number in range(3):
        assert not {member for member in (ANN, BOB, CAT) if member.encode() in forwards.raw(number)}
    assert forwards.states() == {ANN: "sent", BOB: "sent", CAT: "sent"}
    assert delivery.response["toAddresses"] == [ANN, BOB, CAT]


def test_the_config_decides_name_sender_prefix_and_attachments(forwards_to, user):
    DomainFactory(owner=user, name="example.org")
    config = {"fromAddress": "Desk <desk@example.org>", "senderName": "The desk", "subjectPrefix": "[fwd]"}
    forwards = forwards_to(ANN, **config, includeAttachments=False)

    forwards.forward(mail_with(("a.pdf", "application/pdf", b"pdf")))

    (mail,) = forwards.sent()
    assert mail["headers"]["from"] == '"The desk" <desk@example.org>'
    assert mail["subject"] == "[fwd] Hi"
    text = [part.get_payload(decode=True) for part in message_from_bytes(forwards.raw()).walk()][1:]
    assert text == [b"Hello\r\n", b"[Attachment removed: a.pdf (application/pdf)]\r\n"]


@pytest.mark.parametrize("whose", ["nobody's", "another owner's", "not verified"])
def test_a_from_address_that_is_not_the_owners_any_more_sends_nothing(forwards_to, user, whose):
    if whose == "another owner's":
        DomainFactory(name="example.org")
    elif whose == "not verified":
        DomainFactory(owner=user, name="example.org", status="pending")
    forwards = forwards_to(ANN, fromAddress="desk@example.org")

    delivery = forwards.forward()

    assert not forwards.sent()
    assert delivery.state == Delivery.State.DEAD
    assert delivery.problem == "fromAddress must be an address of one of your verified domains."
    assert delivery.response["error"] == delivery.problem
    assert delivery.response["failedAt"].endswith("Z")
    assert delivery.response["recipients"] == [{"address": ANN, "status": "failed", "error": delivery.problem}]


def test_a_mail_without_a_sender_is_forwarded(forwards_to):
    forwards = forwards_to(ANN)

    forwards.forward(b"Subject: From nobody\r\n\r\nHello\r\n", from_name="", from_address="")

    headers = forwards.sent()[0]["headers"]
    assert headers["from"] == '"Somebody via example.com" <hello@example.com>'
    assert "reply-to" not in headers


def test_auto_replies_are_forwarded_and_never_answered(forwards_to):
    forwards = forwards_to(ANN)

    forwards.forward(b"Auto-Submitted: auto-replied\r\n" + MAIL)

    assert forwards.reached() == [ANN]
    assert forwards.sent()[0]["headers"]["auto-submitted"] == "auto-replied"


def test_a_recipient_that_cannot_send_is_named(forwards_to):
    forwards = forwards_to(ANN)

    delivery = forwards.forward(to="ö@example.com")

    assert (delivery.state, delivery.problem) == ("dead", "SES cannot send from ö@example.com.")


def test_who_is_no_member_any_more_gets_nothing(forwards_to):
    forwards = forwards_to(ANN, BOB)
    forwards.aws.add_faults({"action": "SendEmail", "fault": "throttle"})
    delivery = forwards.receive()
    forwards.attempt()
    update_endpoint(endpoint=forwards.endpoint, config={"emails": [BOB, CAT]})

    forwards.again()

    assert forwards.reached() == [BOB, CAT]
    delivery.refresh_from_db()
    assert [one["address"] for one in delivery.response["recipients"]] == [BOB, CAT]


def test_a_dead_forward_that_is_retried_reaches_who_had_not_got_it(forwards_to):
    forwards = forwards_to(ANN, BOB)
    forwards.aws.add_faults(
        {"action": "SendEmail", "fault": "error", "code": "MessageRejected", "status": 400, "times": 2}
    )
    delivery = forwards.forward()
    assert delivery.state == Delivery.State.DEAD

    retry(delivery)
    forwards.attempt()

    assert forwards.reached() == [ANN, BOB]


def test_a_delivered_forward_that_is_asked_for_again_reaches_everybody_again(forwards_to):
    forwards = forwards_to(ANN, BOB)
    delivery = forwards.forward()

    retry(delivery, again=True)
    forwards.attempt()

    assert forwards.reached() == [ANN, BOB, ANN, BOB]
