"""A received mail goes to the members of its endpoint, and the delivery says so."""

from __future__ import annotations

from email import message_from_bytes

import pytest

from inbound.tests.support.factories import DomainFactory
from mail.models import Delivery
from mail.tests.forwarding.forwarder import forwarder
from mail.tests.forwarding.mails import body_hash
from mail.tests.inbox import mail_with
from mail.tests.postbox import MAIL

pytestmark = pytest.mark.sqlite

ANN, BOB, CAT = "ann@example.net", "bob@example.net", "cat@example.net"


def test_a_mail_is_forwarded_from_its_recipient_and_answers_go_to_its_author(postbox):
    forwards = forwarder(postbox, ANN)

    delivery = forwards.forward()

    (mail,) = forwards.sent()
    assert (mail["from"], mail["to"]) == ("hello@example.com", [ANN])
    assert mail["headers"]["from"] == '"Jo via example.com" <hello@example.com>'
    assert mail["headers"]["reply-to"] == '"Jo" <jo@example.net>'
    assert mail["headers"]["to"] == "hello@example.com"
    assert mail["subject"] == "Hello"
    assert delivery.state == Delivery.State.DELIVERED
    told = delivery.response
    assert {name: told[name] for name in ("toAddresses", "fromAddress")} == {
        "toAddresses": [ANN],
        "fromAddress": "hello@example.com",
    }
    assert told["forwardedAt"].endswith("Z")
    assert told["recipients"] == [{"address": ANN, "status": "sent", "messageId": mail["id"]}]


def test_the_signature_of_the_body_still_fits_when_ses_sends_it(postbox):
    forwards = forwarder(postbox, ANN)
    raw = mail_with(("böse.pdf", "application/pdf", bytes(range(256)) * 200), text="Grüße")

    forwards.forward(raw)

    assert body_hash(forwards.raw()) == body_hash(raw)


def test_each_member_of_a_group_gets_a_mail_and_sees_nobody_else(postbox):
    forwards = forwarder(postbox, ANN, BOB, CAT)

    delivery = forwards.forward()

    assert [mail["to"] for mail in forwards.sent()] == [[ANN], [BOB], [CAT]]
    for number in range(3):
        assert b"@example.net" not in forwards.raw(number).replace(b"jo@example.net", b"").replace(
            b"1@example.net", b""
        )
    assert forwards.states() == {ANN: "sent", BOB: "sent", CAT: "sent"}
    assert delivery.response["toAddresses"] == [ANN, BOB, CAT]


def test_the_config_decides_name_sender_prefix_and_attachments(postbox, user):
    DomainFactory(owner=user, name="example.org")
    config = {"fromAddress": "Desk <desk@example.org>", "senderName": "The desk", "subjectPrefix": "[fwd]"}
    forwards = forwarder(postbox, ANN, **config, includeAttachments=False)

    forwards.forward(mail_with(("a.pdf", "application/pdf", b"pdf")))

    (mail,) = forwards.sent()
    assert mail["headers"]["from"] == '"The desk" <desk@example.org>'
    assert mail["subject"] == "[fwd] Hi"
    text = [part.get_payload(decode=True) for part in message_from_bytes(forwards.raw()).walk()][1:]
    assert text == [b"Hello\r\n", b"[Attachment removed: a.pdf (application/pdf)]\r\n"]


@pytest.mark.parametrize("whose", ["nobody's", "another owner's", "not verified"])
def test_a_from_address_that_is_not_the_owners_any_more_sends_nothing(postbox, user, whose):
    if whose == "another owner's":
        DomainFactory(name="example.org")
    elif whose == "not verified":
        DomainFactory(owner=user, name="example.org", status="pending")
    forwards = forwarder(postbox, ANN, fromAddress="desk@example.org")

    delivery = forwards.forward()

    assert not forwards.sent()
    assert delivery.state == Delivery.State.DEAD
    assert delivery.problem == "fromAddress must be an address of one of your verified domains."
    assert delivery.response["error"] == delivery.problem
    assert delivery.response["recipients"] == [{"address": ANN, "status": "failed", "error": delivery.problem}]


def test_a_mail_that_nobody_can_reply_to_is_forwarded(postbox):
    forwards = forwarder(postbox, ANN)

    forwards.forward(b"Subject: From nobody\r\n\r\nHello\r\n")

    headers = forwards.sent()[0]["headers"]
    assert headers["from"] == '"Somebody via example.com" <hello@example.com>'
    assert "reply-to" not in headers


def test_what_ses_stored_on_top_of_a_mail_is_not_forwarded(postbox):
    forwards = forwarder(postbox, ANN)

    forwards.forward(b"X-SES-Configuration-Set: theirs\r\n" + MAIL)

    assert b"X-SES-Configuration-Set" not in forwards.raw()
    assert b"X-SES-RECEIPT" not in forwards.raw()
    assert b"inbound-smtp" not in forwards.raw()
