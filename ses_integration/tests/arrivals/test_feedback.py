"""An event of SES becomes feedback about a mail that we have sent, or a reason why it is none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_integration.arrivals.feedback import Feedback, FeedbackRecipient, read_feedback
from ses_integration.arrivals.notification import read_notification
from ses_integration.arrivals.queue import MailQueue
from ses_integration.sending.send import send_mail
from ses_integration.tests.arrivals.samples import BOUNCE, COMPLAINT, SENT_MAIL, wrapped
from ses_integration.tests.commands.run import run

pytestmark = pytest.mark.sqlite_only

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def feedback(content: dict[str, Any]) -> Feedback:
    found = read_notification(json.dumps(content))
    assert isinstance(found, Feedback), found
    return found


def test_the_published_bounce_is_feedback():
    assert feedback(BOUNCE) == Feedback(
        kind="bounce",
        permanent=True,
        ses_message_id="EXAMPLE7c191be45-e9aedb9a-02f9-4d12-a87d-dd0099a07f8a-000000",
        tags={"delivery": "ind_1"},
        recipients=(FeedbackRecipient("recipient@example.com", "5.1.1", "smtp; 550 5.1.1 user unknown"),),
        at=datetime(2017, 8, 5, 0, 41, 2, 669000, UTC),
    )


def test_the_published_complaint_is_feedback():
    found = feedback(COMPLAINT)
    assert (found.kind, found.permanent) == ("complaint", False)
    assert found.recipients == (FeedbackRecipient("recipient@example.com", "", ""),)


@pytest.mark.parametrize("kind", ["Transient", "Undetermined", None])
def test_only_a_permanent_bounce_is_permanent(kind):
    assert not feedback({**BOUNCE, "bounce": {**BOUNCE["bounce"], "bounceType": kind}}).permanent


def test_the_message_of_sns_around_it_makes_no_difference():
    assert read_notification(json.dumps(wrapped(BOUNCE))) == feedback(BOUNCE)


@pytest.mark.parametrize("kind", ["Delivery", "Send", "Open", "Rendering Failure"])
def test_other_events_are_ignored(kind):
    assert read_notification(json.dumps({"eventType": kind, "mail": SENT_MAIL})) == f"It is about sent mail ({kind})."


def test_an_event_that_does_not_say_which_mail_is_ignored():
    assert isinstance(read_feedback({**BOUNCE, "mail": {}}), str)
    assert isinstance(read_feedback({"eventType": "Bounce", "mail": {"messageId": "x"}}), str)


def test_a_recipient_that_cannot_be_one_is_left_out():
    recipients = [{"emailAddress": f"{'x' * 320}@example.com"}, {"emailAddress": 1}, {}, "a@example.com"]
    assert feedback({**BOUNCE, "bounce": {**BOUNCE["bounce"], "bouncedRecipients": recipients}}).recipients == ()


@given(
    st.sampled_from(["bounce", "complaint", "mail"]),
    st.sampled_from(["timestamp", "tags", "messageId", "bounceType", "bouncedRecipients", "complainedRecipients"]),
    JSON,
)
def test_no_value_raises_or_leaves_something_unstorable(part, name, value):
    for event in (BOUNCE, COMPLAINT):
        found = read_feedback({**event, part: {**event.get(part, {}), name: value}})
        assert "\0" not in repr(found)
        assert isinstance(found, Feedback | str)


@pytest.mark.django_db(transaction=True)
class TestThroughTheQueue:
    def test_a_bounce_comes_back_with_the_tags_of_the_mail(self, mailing, settings):
        settings.SES_CONFIGURATION_SET = "inbound-out"
        run("ses_setup")
        boto3.client("sesv2", region_name="eu-west-1").create_email_identity(EmailIdentity="example.com")
        ses_id = send_mail(
            "jo@example.com",
            "bounce@simulator.amazonses.com",
            b"From: jo@example.com\r\n\r\n",
            tags={"it": "1"},
            seconds=5,
        )
        [told] = [it for it in MailQueue().receive(1) if it.feedback]
        assert told.feedback is not None
        assert (told.arrival, told.ignored) == (None, "")
        assert (told.feedback.ses_message_id, told.feedback.tags) == (ses_id, {"it": "1"})
        assert (told.feedback.kind, told.feedback.permanent) == ("bounce", True)
