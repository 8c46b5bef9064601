"""Bounces and complaints: recorded once, whenever they come, until an address or an endpoint gets nothing more."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from endpoints.services import update_endpoint
from mail.arrival.feedback import record_feedback, tags
from mail.models import Delivery, EndpointGate, ForwardRecipient
from mail.tests.forwarding.forwarder import publish_events
from mail.tests.postbox import work
from mail.worker.worker import MailWorker
from ses_integration.api import Feedback, FeedbackRecipient

pytestmark = pytest.mark.sqlite

ANN, BOB = "ann@example.net", "bob@example.net"
UNKNOWN = "smtp; 550 5.1.1 user unknown"


@pytest.fixture(autouse=True)
def events(postbox, settings):
    publish_events(settings)


def bounce(
    recipient: ForwardRecipient, *, kind: str = "bounce", permanent: bool = True, ses_id: str = "one"
) -> Feedback:
    return Feedback(
        kind=kind,  # type: ignore[arg-type]
        permanent=permanent,
        ses_message_id=ses_id,
        tags=tags(recipient),
        recipients=(FeedbackRecipient(recipient.address, "5.1.1", UNKNOWN),),
        at=datetime.now(UTC),
    )


def forward_and_bounce(forwards, address: str = "") -> None:
    delivery = forwards.forward()
    recipient = delivery.recipients.get(address=address or ANN)
    record_feedback([bounce(recipient)])


def test_a_bounce_that_ses_tells_of_shows_on_the_delivery(forwards_to):
    forwards = forwards_to(ANN, BOB)
    delivery = forwards.forward()

    counts = forwards.bounce(0)

    assert counts["feedback"] == 1
    assert forwards.postbox.depth() == (0, 0)
    assert forwards.states() == {ANN: "bounced", BOB: "sent"}
    delivery.refresh_from_db()
    assert delivery.state == Delivery.State.DELIVERED
    assert delivery.response["recipients"][0] == {
        "address": ANN, "status": "bounced", "error": UNKNOWN, "sesMessageId": forwards.sent()[0]["id"]
    }  # fmt: skip


def test_a_forward_that_bounced_for_everybody_is_dead(forwards_to):
    forwards = forwards_to(ANN)
    delivery = forwards.forward()

    forwards.bounce()

    delivery.refresh_from_db()
    assert (delivery.state, delivery.problem) == ("dead", f"Nobody could be reached: {UNKNOWN}")


def test_a_transient_bounce_says_so_and_does_not_count(forwards_to):
    forwards = forwards_to(ANN)

    for _ in range(4):
        record_feedback([bounce(forwards.forward().recipients.get(), permanent=False)])

    assert forwards.states() == {ANN: "failed"}
    forwards.endpoint.refresh_from_db()
    assert forwards.endpoint.is_active


def test_a_bounce_that_comes_before_the_send_is_recorded_is_not_lost(forwards_to):
    forwards = forwards_to(ANN, BOB)
    delivery = forwards.receive()
    early = ForwardRecipient.objects.create(delivery=delivery, address=ANN)
    record_feedback([bounce(early)])

    forwards.attempt()

    assert forwards.states() == {ANN: "bounced", BOB: "sent"}
    assert forwards.reached() == [BOB]


def test_the_same_bounce_twice_is_one(forwards_to):
    forwards = forwards_to(ANN)
    recipient = forwards.forward().recipients.get()

    for _ in range(3):
        record_feedback([bounce(recipient)])

    forwards.endpoint.refresh_from_db()
    assert forwards.endpoint.is_active
    assert not EndpointGate.objects.filter(bounces__gt=0).exists()


def test_three_bounces_in_a_row_switch_the_endpoint_off_and_say_why(forwards_to):
    forwards = forwards_to(ANN)
    for _ in range(3):
        forwards.forward()
        forwards.bounce()

    forwards.endpoint.refresh_from_db()
    assert not forwards.endpoint.is_active
    assert forwards.endpoint.inactive_reason == (
        f"Three emails in a row bounced at {ANN}, so nothing is forwarded to it any more. The last answer: {UNKNOWN}"
    )
    # Its mail waits.
    waiting = forwards.receive()
    assert not work()["delivery delivered"]
    waiting.refresh_from_db()
    assert waiting.state == Delivery.State.DUE


def test_a_mail_that_has_not_bounced_begins_the_row_anew(forwards_to):
    forwards = forwards_to(ANN)

    for bounces in (True, True, False, True, True):
        if bounces:
            forward_and_bounce(forwards)
        else:
            forwards.forward()

    forwards.endpoint.refresh_from_db()
    assert forwards.endpoint.is_active


def test_bounces_that_come_late_and_in_another_order_are_in_a_row_as_well(forwards_to):
    forwards = forwards_to(ANN)
    recipients = [forwards.forward().recipients.get() for _ in range(6)]

    for number in (1, 0, 2):
        record_feedback([bounce(recipients[number])])

    forwards.endpoint.refresh_from_db()
    assert not forwards.endpoint.is_active


def test_a_member_that_bounces_gets_nothing_more_and_the_others_do(forwards_to):
    forwards = forwards_to(ANN, BOB)
    for _ in range(3):
        forward_and_bounce(forwards)

    delivery = forwards.forward()

    forwards.endpoint.refresh_from_db()
    assert forwards.endpoint.is_active
    assert forwards.states() == {ANN: "failed", BOB: "sent"}
    assert "Three emails in a row bounced" in delivery.response["recipients"][0]["error"]


def test_a_group_that_reaches_nobody_is_switched_off(forwards_to):
    forwards = forwards_to(ANN, BOB)

    for address in (ANN, BOB):
        for _ in range(3):
            forward_and_bounce(forwards, address)

    forwards.endpoint.refresh_from_db()
    assert not forwards.endpoint.is_active


@pytest.mark.parametrize("change", [{"config": {"emails": [ANN, BOB]}}, {"is_active": True}])
def test_whoever_changes_the_group_or_switches_it_on_tries_all_members_again(forwards_to, change):
    forwards = forwards_to(ANN, BOB)
    for _ in range(3):
        forward_and_bounce(forwards)
    if "is_active" in change:
        update_endpoint(endpoint=forwards.endpoint, is_active=False)
    update_endpoint(endpoint=forwards.endpoint, **change)

    forwards.forward()

    assert forwards.states() == {ANN: "sent", BOB: "sent"}


def test_a_complaint_ends_it_for_that_member_at_once(forwards_to):
    forwards = forwards_to(ANN, BOB)
    delivery = forwards.forward()
    forwards.aws.complain(forwards.sent()[0]["id"])
    work()
    assert forwards.states() == {ANN: "complained", BOB: "sent"}
    delivery.refresh_from_db()
    assert delivery.state == Delivery.State.DELIVERED

    forwards.forward()

    assert forwards.reached() == [ANN, BOB, BOB]


def test_a_complaint_about_a_forward_to_one_address_switches_it_off(forwards_to):
    forwards = forwards_to(ANN)
    forwards.forward()
    forwards.aws.complain(forwards.sent()[0]["id"])
    work()

    forwards.endpoint.refresh_from_db()
    assert forwards.endpoint.inactive_reason == (
        f"{ANN} has reported a forwarded email as spam, so nothing is forwarded to it any more."
    )


def test_feedback_about_mail_that_is_gone_is_counted_and_dropped(forwards_to):
    forwards = forwards_to(ANN)
    recipient = forwards.forward().recipients.get()
    told = bounce(recipient)
    forwards.postbox.domain.delete()

    assert record_feedback([told]) == {"feedback of nothing here": 1}
    recipient.pk = 10**30
    assert record_feedback([bounce(recipient)]) == {"feedback of nothing here": 1}


def test_feedback_that_sqs_does_not_delete_comes_again(forwards_to):
    forwards = forwards_to(ANN)
    forwards.forward()
    forwards.postbox.lose_notifications()
    forwards.aws.bounce(forwards.sent()[0]["id"])

    forwards.aws.add_faults({"service": "sqs", "action": "DeleteMessageBatch", "fault": "dropped", "times": 2})
    MailWorker(sweep_now=False).run_once(sweep=False)

    assert forwards.states() == {ANN: "bounced"}
    assert sum(forwards.postbox.depth()) == 1
