"""`ses_doctor` on topic, queue and subscription: all is well, and each way in which it is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_integration.tests.commands.run import run
from ses_integration.tests.doctor.fixtures import doctor, fault, outcome
from ses_integration.tests.setup.fixtures import (
    QUEUE,
    TOPIC,
    attributes,
    named,
    queue_url,
    set_attribute,
    sns,
    sqs,
)

__all__ = ["named"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite_only]

SET_UP = "Run `python manage.py ses_setup`."
MAIL_CHECKS = [
    "mail source",
    "mail account",
    "topic",
    "topic policy",
    "queue",
    "queue policy",
    "queue settings",
    "dead-letter queue",
    "dead letters",
    "sqs:DeleteMessage",
    "subscription",
    "delivery",
    "notifications",
    "s3:ListBucket",
    "s3:GetObject",
]


@pytest.fixture
def reading(ready, named):
    """All that reading mail needs, as `ses_setup` leaves it."""
    run("ses_setup")
    ready.clear_journal()
    return ready


def look() -> dict[str, dict[str, str]]:
    return doctor("--no-probe")[1]


def statement(**more: Any) -> dict[str, Any]:
    return {"Sid": "Theirs", "Effect": "Allow", "Principal": "*", "Action": "SQS:SendMessage", "Resource": QUEUE} | more


def add_to_policy(aws, extra: dict[str, Any]) -> None:
    policy = json.loads(attributes(aws)["Policy"])
    set_attribute(aws, "Policy", json.dumps(policy | {"Statement": [*policy["Statement"], extra]}))


def set_topic_policy(*statements: dict[str, Any]) -> None:
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    sns().set_topic_attributes(TopicArn=TOPIC, AttributeName="Policy", AttributeValue=policy)


def subscription() -> str:
    return str(sns().list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"][0]["SubscriptionArn"])


def set_subscription(name: str, value: str) -> None:
    sns().set_subscription_attributes(SubscriptionArn=subscription(), AttributeName=name, AttributeValue=value)


def test_everything_that_ses_setup_creates_is_ok(reading):
    code, found = doctor("--no-probe")
    assert code == 0
    assert [check for check in found if check in MAIL_CHECKS] == MAIL_CHECKS
    assert {check: found[check]["outcome"] for check in MAIL_CHECKS} == dict.fromkeys(MAIL_CHECKS, "ok") | {
        "notifications": "skipped"
    }
    assert found["queue"]["seen"] == "inbound-mail exists: 0 waiting, 0 being read."


def test_without_a_probe_nothing_is_published_and_nothing_received(reading):
    look()
    actions = {entry["action"] for entry in reading.journal() if entry["service"] in ("sns", "sqs")}
    assert actions == {
        "GetTopicAttributes",
        "GetQueueAttributes",
        "DeleteMessage",
        "ListSubscriptionsByTopic",
        "GetSubscriptionAttributes",
    }


def test_without_a_source_of_mail_nothing_else_is_checked(ready):
    found = look()
    assert outcome(found["mail source"]) == ("ok", "None: mail is stored and not looked at.", "")
    assert [check for check in found if check in MAIL_CHECKS] == ["mail source"]


def test_the_sweep_alone_needs_the_bucket_only(ready, settings):
    settings.MAIL_SOURCE = "sweep"
    found = look()
    assert [check for check in found if check in MAIL_CHECKS] == ["mail source", "s3:ListBucket", "s3:GetObject"]


@pytest.mark.parametrize(
    ("source", "topic", "missing"),
    [("sqs", "", "SES_TOPIC_ARN and SES_QUEUE_URL"), ("sqs", TOPIC, "SES_QUEUE_URL"), ("sns", "", "SES_TOPIC_ARN")],
)
def test_a_source_without_its_settings_fails(ready, settings, source, topic, missing):
    settings.MAIL_SOURCE, settings.SES_TOPIC_ARN = source, topic
    code, text = run("ses_doctor", "--no-probe")
    assert code == 1
    assert f"MAIL_SOURCE is {source}, and {missing} is missing: nothing tells of new mail." in " ".join(text.split())
    assert "s3:GetObject                             Allowed." in text


def test_a_missing_topic_and_a_missing_queue_hide_neither_each_other_nor_the_bucket(ready, named):
    found = look()
    assert outcome(found["topic"]) == (
        "failed",
        "There is no topic inbound-mail.",
        f"Correct SES_TOPIC_ARN, or create it. {SET_UP}",
    )
    assert outcome(found["queue"]) == (
        "failed",
        "There is no queue inbound-mail.",
        f"Correct SES_QUEUE_URL, or create it. {SET_UP}",
    )
    assert found["topic policy"]["do"] == found["subscription"]["do"] == "Fix topic first."
    assert found["queue policy"]["do"] == found["sqs:DeleteMessage"]["do"] == "Fix queue first."
    assert found["s3:GetObject"]["outcome"] == "ok"


def test_a_queue_of_another_account_fails(ready, settings):
    settings.SES_TOPIC_ARN = TOPIC
    settings.SES_QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/999999999999/mail"
    found = look()
    assert found["mail account"]["outcome"] == "failed"
    assert found["queue"]["do"] == "Fix mail account first."


def test_a_topic_without_a_statement_for_ses_is_a_warning(reading):
    set_topic_policy()
    assert outcome(look()["topic policy"]) == ("warning", "It has no statement for SES.", SET_UP)


def test_a_topic_that_anybody_may_publish_to_fails(reading):
    set_topic_policy(statement(Principal={"AWS": "*"}, Action="SNS:*", Sid="Open"))
    assert outcome(look()["topic policy"]) == (
        "failed",
        "Anybody may publish (Open): notifications can be forged.",
        "Remove the statement from the topic's policy, or give it a condition.",
    )


def test_the_policy_that_aws_gives_a_new_topic_does_not_admit_anybody(ready, named):
    sns().create_topic(Name="inbound-mail")
    run("ses_setup")
    assert look()["topic policy"]["outcome"] == "ok"


def test_a_queue_that_the_topic_may_not_send_to_fails(reading):
    set_attribute(reading, "Policy", json.dumps({"Statement": statement(Principal={"AWS": "123456789012"})}))
    assert outcome(look()["queue policy"]) == ("failed", "The topic may not send to the queue.", SET_UP)


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"Principal": {"Service": "sns.amazonaws.com"}, "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:sns:*"}}},
        {
            "Principal": {"AWS": ["arn:aws:iam::123456789012:root", "arn:aws:iam::999999999999:root"]},
            "Action": ["sqs:*"],
        },
    ],
)
def test_a_queue_that_others_may_send_to_is_a_warning(reading, extra):
    add_to_policy(reading, statement(**extra))
    assert outcome(look()["queue policy"]) == (
        "warning",
        "Others than the topic may send to the queue, too: Theirs.",
        "Remove their statements from its policy: what they send is believed.",
    )


@pytest.mark.parametrize(
    "extra",
    [
        {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "SQS:*"},
        {"Effect": "Deny"},
        {"Action": "sqs:ReceiveMessage"},
        {"Condition": {"ArnEquals": {"AWS:SourceArn": [TOPIC]}}},
    ],
)
def test_what_admits_nobody_else_is_ok(reading, extra):
    add_to_policy(reading, statement(**extra))
    assert look()["queue policy"]["outcome"] == "ok"


def test_a_short_retention_is_a_warning(reading):
    set_attribute(reading, "MessageRetentionPeriod", "345600")
    assert outcome(look()["queue settings"]) == (
        "warning",
        "It keeps messages for 4 days instead of 14.",
        SET_UP,
    )


def test_a_queue_without_a_dead_letter_queue_is_a_warning(reading):
    set_attribute(reading, "RedrivePolicy", "")
    found = look()
    assert found["dead-letter queue"]["seen"].startswith("None: ")
    assert "dead letters" not in found


def test_a_lost_dead_letter_queue_fails(reading):
    sqs().delete_queue(QueueUrl=queue_url(reading, "inbound-mail-dead"))
    assert outcome(look()["dead letters"]) == (
        "failed",
        "There is no queue inbound-mail-dead: what is moved there is lost.",
        SET_UP,
    )


def test_dead_letters_are_counted(reading):
    sqs().send_message(QueueUrl=queue_url(reading, "inbound-mail-dead"), MessageBody="{}")
    assert outcome(look()["dead letters"]) == (
        "warning",
        "1 in inbound-mail-dead: notifications that could not be processed. The sweep finds their mail.",
        "The runbook says what to do (Dead letters).",
    )


def test_a_missing_subscription_fails(reading):
    sns().unsubscribe(SubscriptionArn=subscription())
    found = look()
    assert outcome(found["subscription"]) == ("failed", "The queue does not get the topic's notifications.", SET_UP)
    assert found["delivery"]["do"] == "Fix subscription first."


def test_wrapped_notifications_are_a_warning(reading):
    set_subscription("RawMessageDelivery", "false")
    assert outcome(look()["delivery"]) == ("warning", "Notifications are wrapped. They are read all the same.", SET_UP)


def test_a_filter_policy_fails(reading):
    set_subscription("FilterPolicy", '{"kind": ["theirs"]}')
    assert look()["delivery"]["seen"] == "A filter policy keeps notifications away."


@pytest.mark.parametrize(
    ("service", "action", "check", "severity", "seen"),
    [
        ("sns", "GetTopicAttributes", "topic", "warning", "Not checked: sns:GetTopicAttributes is not allowed."),
        ("sns", "GetTopicAttributes", "topic policy", "warning", "Not checked: sns:GetTopicAttributes is not allowed."),
        ("sns", "ListSubscriptionsByTopic", "delivery", "warning", "Not checked: sns:GetSubscriptionAttributes is not"),
        (
            "sns",
            "GetSubscriptionAttributes",
            "delivery",
            "warning",
            "Not checked: sns:GetSubscriptionAttributes is not",
        ),
        ("sqs", "GetQueueAttributes", "queue", "failed", "AWS does not allow sqs:GetQueueAttributes."),
        ("sqs", "DeleteMessage", "sqs:DeleteMessage", "failed", "AWS does not allow it."),
        ("s3", "ListObjectsV2", "s3:ListBucket", "failed", "AWS does not allow it."),
        ("s3", "GetObject", "s3:GetObject", "failed", "AWS does not allow it."),
    ],
)
def test_a_missing_permission_is_named(reading, service, action, check, severity, seen):
    fault(reading, action, "access_denied", service=service, times=None)
    found = look()[check]
    assert found["outcome"] == severity
    assert found["seen"].startswith(seen)
    assert found["do"]


@pytest.mark.parametrize("action", ["GetTopicAttributes", "ListSubscriptionsByTopic", "GetSubscriptionAttributes"])
def test_no_answer_is_no_proof(reading, action):
    fault(reading, action, "dropped", service="sns")
    check = {"GetTopicAttributes": "topic", "ListSubscriptionsByTopic": "subscription"}.get(action, "delivery")
    assert look()[check]["seen"] == "AWS gave no answer."
