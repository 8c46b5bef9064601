"""Bounces and complaints, as events and as mail."""

from __future__ import annotations

import json
from email import message_from_bytes
from typing import Any

import pytest

from ses_integration.tests.emulator.clients import client, control, refusal
from ses_integration.tests.emulator.receiving.inbox import Inbox
from ses_integration.tests.emulator.sending.conftest import RAW, Sender

pytestmark = pytest.mark.sqlite_only

SET, EVENTS = "inbound", ["BOUNCE", "COMPLAINT"]
QUIET = {"EmailIdentity": "example.com", "EmailForwardingEnabled": False}


@pytest.fixture
def sender(inbox: Inbox) -> Sender:
    """Bounces arrive at the topic of `inbox`, for mail of the configuration set. Mail to example.com does not."""
    sesv2 = client("sesv2", inbox.emulator.url)
    sesv2.create_configuration_set(ConfigurationSetName=SET)
    sesv2.create_configuration_set_event_destination(
        ConfigurationSetName=SET, EventDestinationName="topic", EventDestination=destination(inbox.prepared.topic_arn)
    )
    return Sender(inbox.emulator, sesv2)


def destination(topic: str, events: list[str] = EVENTS, enabled: bool = True) -> dict[str, Any]:
    return {"Enabled": enabled, "MatchingEventTypes": events, "SnsDestination": {"TopicArn": topic}}


@pytest.mark.parametrize(("permanent", "kind", "status"), [(True, "Permanent", "5.1.1"), (False, "Transient", "4.4.7")])
def test_a_bounce_reaches_the_topic(sender: Sender, inbox: Inbox, permanent: bool, kind: str, status: str) -> None:
    """Amazon SES Developer Guide, "Contents of event data that Amazon SES publishes to Amazon SNS"."""
    tags = [{"Name": "delivery", "Value": "d1"}]
    message_id = sender.send("a@example.net", "b@example.net", ConfigurationSetName=SET, EmailTags=tags)
    body = {"messageId": message_id, "recipient": "b@example.net", "permanent": permanent}
    status_code, told = control(inbox.emulator.url, "POST", "/_outbox/bounce", body)
    assert (status_code, told) == (200, {"published": [inbox.prepared.topic_arn], "mailed": ""})
    (event,) = inbox.notifications()
    assert (event["eventType"], event["bounce"]["bounceType"]) == ("Bounce", kind)
    (bounced,) = event["bounce"]["bouncedRecipients"]
    assert (bounced["emailAddress"], bounced["status"], bounced["action"]) == ("b@example.net", status, "failed")
    mail = event["mail"]
    assert (mail["messageId"], mail["source"]) == (message_id, "hello@example.com")
    assert mail["destination"] == ["a@example.net", "b@example.net"]
    assert (mail["tags"]["delivery"], mail["tags"]["ses:configuration-set"]) == (["d1"], [SET])
    assert mail["commonHeaders"]["subject"] == "Plan"


def test_a_complaint_reaches_the_topic(sender: Sender, inbox: Inbox) -> None:
    message_id = sender.send(ConfigurationSetName=SET)
    control(inbox.emulator.url, "POST", "/_outbox/complain", {"messageId": message_id})
    (event,) = inbox.notifications()
    assert (event["eventType"], event["mail"]["messageId"]) == ("Complaint", message_id)
    assert event["complaint"]["complainedRecipients"] == [{"emailAddress": "you@example.net"}]


def test_an_event_that_nobody_asked_for_is_not_published(sender: Sender, inbox: Inbox) -> None:
    topic = inbox.prepared.topic_arn
    named = {"ConfigurationSetName": SET, "EventDestinationName": "topic"}
    unnamed, sent = sender.send(), sender.send(ConfigurationSetName=SET)
    assert inbox.emulator.bounce(unnamed)["published"] == []
    for changed in (destination(topic, ["COMPLAINT"]), destination(topic, enabled=False)):
        sender.sesv2.update_configuration_set_event_destination(**named, EventDestination=changed)
        assert inbox.emulator.bounce(sent)["published"] == []
    sender.sesv2.delete_configuration_set(ConfigurationSetName=SET)
    assert inbox.emulator.bounce(sent)["published"] == []


def test_an_identity_can_have_a_configuration_set(sender: Sender, inbox: Inbox) -> None:
    named = {"EmailIdentity": "example.com", "ConfigurationSetName": SET}
    sender.sesv2.put_email_identity_configuration_set_attributes(**named)
    assert sender.sesv2.get_email_identity(EmailIdentity="example.com")["ConfigurationSetName"] == SET
    assert inbox.emulator.bounce(sender.send())["published"] == [inbox.prepared.topic_arn]


def test_a_bounce_is_mailed_to_the_sender(sender: Sender, inbox: Inbox) -> None:
    """With a null sender, so that nobody answers it. It quotes the header of the mail."""
    inbox.add_rule("all", "example.com")
    message_id = sender.send()
    assert inbox.emulator.bounce(message_id) == {"published": [], "mailed": "hello@example.com"}
    (told,) = inbox.notifications()
    assert (told["mail"]["source"], told["mail"]["destination"]) == ("", ["hello@example.com"])
    report: Any = message_from_bytes(inbox.stored(told["receipt"]["action"]["objectKey"]))
    assert (report["Return-Path"], report["From"]) == ("<>", "MAILER-DAEMON@eu-west-1.amazonses.com")
    assert (report.get_content_type(), report.get_param("report-type")) == ("multipart/report", "delivery-status")
    _, status, quoted = report.get_payload()
    assert "Final-Recipient: rfc822; you@example.net" in str(status)
    original = quoted.get_payload(0)
    assert original["Message-ID"] == f"<{message_id}@eu-west-1.amazonses.com>"
    assert (original.get_all("X-Trace"), original.get_payload()) == (["1", "2"], "")


def test_a_bounce_goes_where_the_call_says(sender: Sender, inbox: Inbox) -> None:
    inbox.add_rule("all", "example.com")
    named = sender.send(FeedbackForwardingEmailAddress="bounces@example.com")
    field = sender.send(raw=b"Return-Path: <path@example.com>\r\n" + RAW)
    assert [inbox.emulator.bounce(mail)["mailed"] for mail in (named, field)] == [
        "bounces@example.com",
        "path@example.com",
    ]


def test_an_identity_can_switch_mailed_bounces_off_if_a_topic_gets_them(sender: Sender, inbox: Inbox) -> None:
    """SES API v2 Reference, PutEmailIdentityFeedbackAttributes: otherwise SES mails them all the same."""
    inbox.add_rule("all", "example.com")
    published, unpublished = sender.send(ConfigurationSetName=SET), sender.send()
    assert inbox.emulator.bounce(published)["mailed"] == "hello@example.com"
    sender.sesv2.put_email_identity_feedback_attributes(**QUIET)
    assert sender.sesv2.get_email_identity(EmailIdentity="example.com")["FeedbackForwardingStatus"] is False
    assert inbox.emulator.bounce(published)["mailed"] == ""
    assert inbox.emulator.bounce(unpublished)["mailed"] == "hello@example.com"


def test_the_mailbox_simulator_bounces_and_complains_by_itself(sender: Sender, inbox: Inbox) -> None:
    """Amazon SES Developer Guide, "Using the mailbox simulator"."""
    for name in ("success", "bounce", "bounce+label", "complaint"):
        sender.send(f"{name}@simulator.amazonses.com", ConfigurationSetName=SET)
    assert [event["eventType"] for event in inbox.notifications()] == ["Bounce", "Bounce", "Complaint"]


def test_events_get_lost_and_come_twice_like_other_notifications(sender: Sender, inbox: Inbox) -> None:
    sent = sender.send(ConfigurationSetName=SET)
    control(inbox.emulator.url, "POST", "/_notifications", {"drop": 1, "duplicate": 2})
    inbox.emulator.bounce(sent)
    assert inbox.notifications() == []
    inbox.emulator.bounce(sent)
    first, second = inbox.notifications()
    assert first == second


def test_ses_tests_the_topic_of_an_event_destination_when_told_to(sender: Sender, inbox: Inbox) -> None:
    """It publishes a text that is no JSON."""
    control(inbox.emulator.url, "POST", "/_notifications", {"setup": True})
    named = {"ConfigurationSetName": SET, "EventDestinationName": "topic"}
    sender.sesv2.update_configuration_set_event_destination(
        **named, EventDestination=destination(inbox.prepared.topic_arn)
    )
    (message,) = inbox.sqs.receive_message(QueueUrl=inbox.prepared.queue_url)["Messages"]
    assert message["Body"] == "Successfully validated SNS topic for Amazon SES event publishing."


def test_configuration_sets_are_shown_and_refused_like_in_aws(sender: Sender, inbox: Inbox) -> None:
    sesv2, topic = sender.sesv2, inbox.prepared.topic_arn
    (shown,) = sesv2.get_configuration_set_event_destinations(ConfigurationSetName=SET)["EventDestinations"]
    assert json.loads(json.dumps(shown)) == {**destination(topic), "Name": "topic"}
    assert sesv2.list_configuration_sets()["ConfigurationSets"] == [SET]
    assert sesv2.get_configuration_set(ConfigurationSetName=SET)["ConfigurationSetName"] == SET
    create, add = sesv2.create_configuration_set, sesv2.create_configuration_set_event_destination
    assert refusal(create, ConfigurationSetName=SET).code == "AlreadyExistsException"
    assert refusal(create, ConfigurationSetName="a.b").code == "BadRequestException"
    assert refusal(sesv2.get_configuration_set, ConfigurationSetName="none").status == 404
    given = {"ConfigurationSetName": SET, "EventDestinationName": "topic"}
    assert refusal(add, **given, EventDestination=destination(topic)).code == "AlreadyExistsException"
    given["EventDestinationName"] = "other"
    for wrong in (
        destination(topic + "-none"),
        destination(topic, ["EXPLODE"]),
        destination(topic, []),
        {"Enabled": True},
    ):
        assert refusal(add, **given, EventDestination=wrong).code == "BadRequestException"
    change = sesv2.update_configuration_set_event_destination
    assert refusal(change, **given, EventDestination=destination(topic)).code == "NotFoundException"
    sesv2.delete_configuration_set_event_destination(ConfigurationSetName=SET, EventDestinationName="topic")
    assert sesv2.get_configuration_set_event_destinations(ConfigurationSetName=SET)["EventDestinations"] == []


@pytest.mark.parametrize(
    "body", [None, {}, {"recipient": "you@example.net"}, {"messageId": "none"}, {"recipient": "other@example.net"},
             {"permanent": 1}, {"surprise": 1}],
)  # fmt: skip
def test_an_invalid_bounce_is_refused(sender: Sender, inbox: Inbox, body: dict[str, Any] | None) -> None:
    sent = sender.send()
    if body and "messageId" not in body and body != {"recipient": "you@example.net"}:
        body = {"messageId": sent, **body}
    status, answer = control(inbox.emulator.url, "POST", "/_outbox/bounce", body)
    assert (status, bool(answer["error"])) == (400, True)
