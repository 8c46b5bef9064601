"""Which rules apply to a mail."""

from __future__ import annotations

import smtplib
from typing import Any

import pytest

from ses_integration.emulator.receiving.evaluation import patterns_for
from ses_integration.tests.emulator.receiving.inbox import RAW, Inbox

pytestmark = pytest.mark.sqlite_only


def refused(inbox: Inbox, *recipients: str) -> set[str]:
    try:
        return set(inbox.send(*recipients))
    except smtplib.SMTPRecipientsRefused as error:
        answers: dict[str, Any] = error.recipients
        assert {answer[0] for answer in answers.values()} == {550}
        return set(answers)


@pytest.mark.parametrize(
    ("pattern", "recipient", "accepted"),
    [
        ("hello@example.com", "hello@example.com", True),
        ("hello@example.com", "HELLO@Example.COM", True),
        ("Hello@Example.com", "hello@example.com", True),
        ("hello@example.com", "hello+label@example.com", True),
        ("hello@example.com", "other@example.com", False),
        ("hello+label@example.com", "hello+label@example.com", True),
        ("hello+label@example.com", "hello@example.com", False),
        ("hello+label@example.com", "hello+other@example.com", False),
        ("example.com", "any@example.com", True),
        ("example.com", "any@sub.example.com", False),
        ("sub.example.com", "any@sub.example.com", True),
        (".example.com", "any@sub.example.com", True),
        (".example.com", "any@deep.sub.example.com", True),
        (".example.com", "any@example.com", False),
        (".example.com", "any@badexample.com", False),
    ],
)
def test_a_recipient_of_a_rule_matches_as_in_ses(inbox: Inbox, pattern: str, recipient: str, accepted: bool) -> None:
    inbox.add_rule("rule", pattern)
    assert refused(inbox, recipient) == (set() if accepted else {recipient})
    assert inbox.fired() == ([("rule", [recipient])] if accepted else [])


def test_a_rule_without_recipients_takes_mail_for_every_verified_domain(inbox: Inbox) -> None:
    inbox.add_rule("all")
    assert refused(inbox, "any@example.com", "any@elsewhere.example") == {"any@elsewhere.example"}
    assert inbox.fired() == [("all", ["any@example.com"])]


def test_mail_is_refused_without_an_enabled_rule_a_verified_domain_and_an_active_set(inbox: Inbox) -> None:
    inbox.add_rule("off", "off@example.com", Enabled=False)
    inbox.add_rule("on", "on@example.com", "on@unverified.example")
    assert refused(inbox, "off@example.com", "on@example.com", "on@unverified.example") == {
        "off@example.com",
        "on@unverified.example",
    }
    inbox.ses.set_active_receipt_rule_set()
    assert refused(inbox, "on@example.com") == {"on@example.com"}
    assert inbox.fired() == [("on", ["on@example.com"])]


def test_a_domain_that_is_not_verified_yet_receives_nothing(inbox: Inbox) -> None:
    inbox.add_rule("rule", "example.com")
    inbox.emulator.region("eu-west-1").identities.set_status("example.com", "Pending")
    assert refused(inbox, "any@example.com") == {"any@example.com"}


def test_two_rules_for_one_mail_notify_of_their_own_recipients_under_one_message_id(inbox: Inbox) -> None:
    inbox.add_rule("first", "a@example.com", "b@example.com")
    inbox.add_rule("second", "c@example.com", "b@example.com")
    inbox.send("a@example.com", "b@example.com", "c@example.com")
    first, second = inbox.notifications()
    assert first["receipt"]["recipients"] == ["a@example.com", "b@example.com"]
    assert second["receipt"]["recipients"] == ["b@example.com", "c@example.com"]
    assert first["mail"]["messageId"] == second["mail"]["messageId"]
    assert first["mail"]["destination"] == ["a@example.com", "b@example.com", "c@example.com"]
    [mail] = inbox.emulator.mails()
    assert (mail["rules"], mail["id"]) == (["first", "second"], first["mail"]["messageId"])


def test_two_rules_with_the_same_prefix_store_one_object(inbox: Inbox) -> None:
    stored = {"BucketName": "mail", "ObjectKeyPrefix": "same/", "TopicArn": inbox.prepared.topic_arn}
    inbox.add_rule("first", "a@example.com", actions=[{"S3Action": stored}])
    inbox.add_rule("second", "b@example.com", actions=[{"S3Action": stored}])
    inbox.send("a@example.com", "b@example.com")
    keys = {found["receipt"]["action"]["objectKey"] for found in inbox.notifications()}
    assert keys == {item["Key"] for item in inbox.s3.list_objects_v2(Bucket="mail")["Contents"]}
    assert len(keys) == 1


def test_a_stop_ends_the_set_for_all_recipients_of_the_mail(inbox: Inbox) -> None:
    inbox.add_rule("first", "a@example.com")
    inbox.add_rule("stop", "a@example.com", actions=[{"StopAction": {"Scope": "RuleSet"}}])
    inbox.add_rule("last", "example.com")
    inbox.send("a@example.com", "b@example.com")
    inbox.send("b@example.com")
    assert inbox.fired() == [("first", ["a@example.com"]), ("last", ["b@example.com"])]


def test_a_mail_delivered_without_smtp_is_the_same(inbox: Inbox) -> None:
    inbox.add_rule("rule", "example.com")
    [ses_id] = inbox.emulator.deliver("ann@sender.example", ["hello@example.com"], RAW)
    assert [found["mail"]["messageId"] for found in inbox.notifications()] == [ses_id]
    assert inbox.stored(f"rule/{ses_id}").endswith(RAW)


def test_a_recipient_has_few_patterns() -> None:
    assert patterns_for("User+label@Sub.Example.com") == {
        "user+label@sub.example.com",
        "user@sub.example.com",
        "sub.example.com",
        ".example.com",
        ".com",
    }
