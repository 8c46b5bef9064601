"""What SNS posts: only what it has signed for our topic counts, whatever else somebody may send."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_integration.arrivals.signature import Forged
from ses_integration.arrivals.topic import receive_post
from ses_integration.errors import NotConfigured
from ses_integration.tests.arrivals.samples import SES_ID, TOPIC, received
from ses_integration.tests.arrivals.sns_server import PEM, arrived, assert_forged, post

pytestmark = pytest.mark.sqlite_only


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", [None, "", "Amazon SES Email Receipt Notification", "Grüße\nMessageId\n1"])
def test_a_signed_notification_is_an_arrival(sns, version, subject):
    assert arrived(sns.notification(received(), version=version, Subject=subject)) == SES_ID


def test_a_notification_that_comes_twice_is_the_same_arrival(sns):
    message = sns.notification(received())
    assert post(message) == post(message) is not None
    assert sns.asked == [PEM]


def test_a_notification_of_something_else_is_ignored(sns):
    assert post(sns.notification("Successfully validated SNS topic for Amazon SES event publishing.")) is None
    assert post(sns.notification({"notificationType": "Bounce"})) is None


@pytest.mark.parametrize("name", ["Message", "MessageId", "Subject", "Timestamp", "Type", "Signature"])
@pytest.mark.parametrize("version", ["1", "2"])
def test_one_changed_character_makes_it_forged(sns, name, version):
    message = sns.notification(received(), version=version)
    middle = len(message[name]) // 2
    other = "1" if message[name][middle] != "1" else "2"
    assert_forged({**message, name: message[name][:middle] + other + message[name][middle + 1 :]})


@pytest.mark.parametrize(
    "name", ["Message", "MessageId", "Timestamp", "TopicArn", "Type", "Signature", "SigningCertURL"]
)
@pytest.mark.parametrize("value", [None, 1, [], "", "é", "\ud800"])
def test_a_member_that_is_missing_or_no_text_makes_it_forged(sns, name, value):
    message = sns.notification(received())
    if value is None:
        del message[name]
    else:
        message[name] = value
    assert_forged(message)


def test_a_subject_that_was_added_or_removed_makes_it_forged(sns):
    message = sns.notification(received())
    assert_forged({name: value for name, value in message.items() if name != "Subject"}, "does not fit")
    assert_forged({**sns.notification(received(), Subject=None), "Subject": "a"}, "does not fit")


@pytest.mark.parametrize(
    ("version", "claimed"), [("1", "2"), ("2", "1"), ("2", "3"), ("2", ""), ("2", "02"), ("2", 2), ("2", None)]
)
def test_the_version_of_the_signature_is_the_claimed_one(sns, version, claimed):
    assert_forged({**sns.notification(received(), version=version), "SignatureVersion": claimed}, "signature")


@pytest.mark.parametrize(
    "topic",
    [TOPIC + "x", TOPIC.replace("1", "2"), TOPIC.upper(), TOPIC.replace("eu-west-1", "us-east-1"), f"{TOPIC}\n"],
)
def test_a_valid_message_of_another_topic_is_forged_and_nothing_is_fetched(sns, topic):
    assert_forged(sns.notification(received(), TopicArn=topic), "another topic")
    assert_forged(sns.confirmation(TopicArn=topic), "another topic")
    assert sns.asked == sns.calls == []


def test_a_message_that_somebody_has_kept_is_refused(sns):
    def at(age: timedelta) -> Any:
        return sns.notification(received(), Timestamp=(datetime.now(UTC) - age).isoformat())

    assert arrived(at(timedelta(hours=1, minutes=50))) == SES_ID
    assert_forged(at(timedelta(hours=2, minutes=1)), "is old")


@pytest.mark.parametrize("time", ["", "now", "2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00"])
def test_a_message_without_a_readable_time_is_refused(sns, time):
    assert_forged(sns.notification(received(), Timestamp=time), "time|old")


def test_a_subscription_is_confirmed_by_a_call_and_not_by_the_url(sns):
    assert post(sns.confirmation()) is None
    [call] = sns.calls
    assert (call["Action"], call["TopicArn"], call["Token"]) == (["ConfirmSubscription"], [TOPIC], ["a-token"])
    assert call["AuthenticateOnUnsubscribe"] == ["true"]
    assert sns.asked == [PEM]


@pytest.mark.parametrize("name", ["Token", "SubscribeURL", "Message", "Signature"])
def test_a_changed_confirmation_confirms_nothing(sns, name):
    assert_forged({**sns.confirmation(), name: "AAAA"}, "does not fit")
    assert sns.calls == []


def test_the_end_of_a_subscription_is_only_logged(sns, caplog):
    assert post(sns.confirmation(Type="UnsubscribeConfirmation")) is None
    assert sns.calls == []
    assert "has ended" in caplog.text


def test_a_message_of_one_type_is_none_of_another(sns):
    assert_forged({**sns.confirmation(), "Type": "UnsubscribeConfirmation"}, "does not fit")
    assert_forged({**sns.notification(received()), "Type": "Hello"}, "unknown type")


@pytest.mark.parametrize("body", [b"", b"hello", b"[]", b"null", b"\xff", b"[" * 100_000, b"{}", b" " * 300_000])
def test_a_body_that_is_no_message_is_forged(sns, body):
    assert_forged(body, "message")


@given(
    st.binary()
    | st.dictionaries(st.text(), st.none() | st.text() | st.integers()).map(lambda it: json.dumps(it).encode())
)
def test_no_body_raises_another_error(body):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.SES_TOPIC_ARN", TOPIC)
        with pytest.raises(Forged):
            receive_post(body)


def test_without_a_topic_nothing_can_be_checked(sns, settings):
    settings.SES_TOPIC_ARN = ""
    with pytest.raises(NotConfigured, match="SES_TOPIC_ARN is missing"):
        post(sns.notification(received()))
