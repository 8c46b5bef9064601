"""A notification becomes an arrival, or a reason why it is none; nothing in it raises an error."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_integration.arrivals.arrival import Arrival, Verdicts
from ses_integration.arrivals.notification import read_notification
from ses_integration.tests.arrivals.samples import DOMAIN_ID, KEY, SES_ID, received, wrapped

pytestmark = pytest.mark.sqlite_only


def arrival(**changes: Any) -> Arrival:
    found = read_notification(json.dumps(received(**changes)))
    assert isinstance(found, Arrival), found
    return found


def reason(content: object) -> str:
    found = read_notification(content if isinstance(content, str) else json.dumps(content))
    assert isinstance(found, str)
    return found


def test_the_published_notification_is_an_arrival():
    assert arrival() == Arrival(
        bucket="inbound-mail",
        key=KEY,
        domain_name="example.com",
        domain_id=DOMAIN_ID,
        ses_id=SES_ID,
        recipients=("recipient@example.com",),
        arrived_at=datetime(2015, 9, 11, 20, 32, 33, 936000, UTC),
        envelope_from="0000014fbe1c09cf-7cb9f704-7531-4e53-89a1-5fa9744f5eb6-000000@amazonses.com",
        verdicts=Verdicts(spf="PASS", dkim="PASS", dmarc="PASS", spam="PASS", virus="PASS"),
        subject="Example subject",
        sender="Jane <sender@example.com>",
        message_id="<61967230-7A45-4A9D-BEC9-87CBCF2211C9@example.com>",
    )


def test_the_message_of_sns_around_it_makes_no_difference():
    assert read_notification(json.dumps(wrapped(received()))) == arrival()


def test_only_the_recipients_of_the_rule_count_once_each_and_in_lower_case():
    found = arrival(
        receipt__recipients=["A@Example.com", "b@example.com", "a@example.com"], mail__destination=["other@example.org"]
    )
    assert found.recipients == ("a@example.com", "b@example.com")


@pytest.mark.parametrize("status", ["FAIL", "GRAY", "PROCESSING_FAILED", "DISABLED"])
def test_verdicts_and_the_dmarc_policy_are_ses_words_in_upper_case(status):
    found = arrival(receipt__dmarcVerdict={"status": status.lower()}, receipt__dmarcPolicy="quarantine")
    assert (found.verdicts.dmarc, found.verdicts.dmarc_policy) == (status, "QUARANTINE")


@pytest.mark.parametrize("verdict", [[], "PASS", {}, {"status": 1}, {"status": "<b>"}, {"status": "A" * 21}])
def test_a_verdict_that_cannot_be_read_is_unknown(verdict):
    assert arrival(receipt__spamVerdict=verdict).verdicts.spam == ""


def test_what_a_mail_may_lack_may_be_missing():
    found = arrival(mail__commonHeaders=None, mail__source=None, mail__headers=None, receipt__virusVerdict=None)
    assert (found.subject, found.sender, found.message_id, found.envelope_from) == ("", "", "", "")
    assert found.verdicts.virus == ""


def test_the_time_of_the_receipt_stands_in_for_that_of_the_mail():
    found = arrival(mail__timestamp="yesterday", receipt__timestamp="2026-01-02T03:04:05+02:00")
    assert found.arrived_at == datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)


def test_texts_fit_into_columns_that_postgresql_can_store():
    found = arrival(
        mail__source="s" * 400,
        mail__commonHeaders={"subject": "a\0b\ud800c" + "x" * 2000, "from": ["f" * 2000], "messageId": "m" * 2000},
    )
    assert found.subject.startswith("a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}cxx")
    assert [len(text) for text in (found.envelope_from, found.subject, found.sender, found.message_id)] == [
        320,
        1000,
        1000,
        1000,
    ]


def test_a_recipient_is_never_shortened_to_another_address():
    long = "a" * 310 + "@example.com"
    assert arrival(receipt__recipients=[long, "b@example.com"]).recipients == ("b@example.com",)
    assert reason(received(receipt__recipients=[long])) == "It names no recipient."


@pytest.mark.parametrize(
    "content",
    [
        received(mail__messageId="AMAZON_SES_SETUP_NOTIFICATION"),
        received(receipt__action__objectKey=KEY.replace(SES_ID, "AMAZON_SES_SETUP_NOTIFICATION")),
        "Successfully validated SNS topic for Amazon SES event publishing.",
        wrapped("Successfully validated SNS topic for Amazon SES event publishing."),
        wrapped(received(mail__messageId="AMAZON_SES_SETUP_NOTIFICATION")),
    ],
)
def test_tests_of_the_topic_are_told_apart(content):
    assert reason(content) == "SES has tested the topic."


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"notificationType": "Bounce", "bounce": {}, "mail": {}}, "It is about sent mail (Bounce)."),
        ({"notificationType": "Complaint"}, "It is about sent mail (Complaint)."),
        ({"eventType": "Delivery", "mail": {}}, "It is about sent mail (Delivery)."),
        ({"Type": "SubscriptionConfirmation", "TopicArn": "arn", "Message": "…"}, "It is about a subscription."),
        ({"Records": []}, "It is not from SES."),
        ({}, "It is not from SES."),
        ([], "It is not a JSON object."),
        ("null", "It is not a JSON object."),
        ("", "It is not JSON."),
        ("hello", "It is not JSON."),
        ("[" * 100_000, "It is not JSON."),
        ("1" * 10_000, "It is not JSON."),
        (wrapped("hello"), "It is not JSON."),
        (wrapped(json.dumps(wrapped(received()))), "It is not from SES."),
        (received(receipt__recipients=[]), "It names no recipient."),
        (received(receipt__recipients="a@example.com"), "It names no recipient."),
        (received(receipt__recipients=[None, 1, ""]), "It names no recipient."),
        (received(mail__timestamp=1, receipt__timestamp=None), "It does not say when the mail arrived."),
        (
            received(mail__timestamp="0001-01-01T00:00:00+14:00", receipt__timestamp=None),
            "It does not say when the mail arrived.",
        ),
        (received(receipt=[]), "It does not say where the mail is stored."),
        (received(receipt__action__type="SNS"), "It does not say where the mail is stored."),
        (received(receipt__action__bucketName="UPPER"), "It does not say where the mail is stored."),
    ],
)
def test_anything_else_is_no_arrival(content, expected):
    assert reason(content) == expected


@pytest.mark.parametrize(
    "key",
    [
        "",
        SES_ID,
        f"emails/{SES_ID}",
        f"emails/example.com/{SES_ID}",
        f"emails/example.com/catchall/{SES_ID}",
        f"emails/example.com/{DOMAIN_ID}/",
        f"emails/example.com/{DOMAIN_ID}/a/b",
        f"/{KEY}",
        f"{KEY}\n",
        KEY.upper(),
        KEY.replace(SES_ID, "a" * 256),
        KEY.replace("example.com", "a" * 254),
        KEY.replace("example.com", "..\0"),
    ],
)
def test_a_key_outside_the_folder_of_a_domain_is_no_arrival(key):
    assert reason(received(receipt__action__objectKey=key)) == "The key is not in the folder of a domain."


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.text() | json_values.map(json.dumps))
def test_no_text_raises(text):
    assert isinstance(read_notification(text), str)
    assert isinstance(read_notification(json.dumps(wrapped(text))), str)


def places(content: dict[str, Any], before: str = "") -> list[str]:
    here = [before + name for name in content]
    return here + [
        place
        for name, value in content.items()
        if isinstance(value, dict)
        for place in places(value, f"{before}{name}__")
    ]


@given(st.sampled_from(places(received())), json_values)
def test_no_value_anywhere_raises_or_leaves_something_unstorable(place, value):
    found = read_notification(json.dumps(received(**{place: value})))
    if isinstance(found, str):
        return
    texts = [found.subject, found.sender, found.message_id, found.envelope_from, *found.recipients]
    assert all("\0" not in text and text.encode() is not None for text in texts)
    assert found.arrived_at.tzinfo is UTC
    assert found.recipients
