"""`ses_setup` repairs topic, queue, policies and subscription, and leaves alone what is not ours."""

from __future__ import annotations

import json

import pytest

from ses_integration.tests.commands.run import run
from ses_integration.tests.setup.fixtures import (
    CREATED,
    QUEUE,
    READS,
    TOPIC,
    attributes,
    mail_calls,
    queue_url,
    set_attribute,
    sns,
    sqs,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite_only]


@pytest.mark.parametrize(
    ("attribute", "value", "said"),
    [
        ("MessageRetentionPeriod", "345600", "Queue inbound-mail keeps messages for 14 days."),
        ("VisibilityTimeout", "30", "Queue inbound-mail hides what is being read for 120 seconds."),
        ("ReceiveMessageWaitTimeSeconds", "0", "Queue inbound-mail lets readers wait for 20 seconds."),
        ("Policy", "", "Queue inbound-mail takes what the topic sends."),
    ],
)
def test_an_attribute_of_the_queue_is_repaired(there, attribute, value, said):
    before = attributes(there)
    set_attribute(there, attribute, value)
    assert run("ses_setup")[1] == f"{said}\n"
    assert attributes(there)[attribute] == before[attribute]


def test_a_longer_visibility_timeout_is_kept(there):
    set_attribute(there, "VisibilityTimeout", "600")
    assert run("ses_setup")[1].endswith("nothing to do.\n")


def test_a_dead_letter_queue_that_somebody_has_chosen_is_kept(there):
    sqs().create_queue(QueueName="theirs")
    redrive = json.dumps({"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:123456789012:theirs", "maxReceiveCount": 3})
    set_attribute(there, "RedrivePolicy", redrive)
    sqs().delete_queue(QueueUrl=queue_url(there, "inbound-mail-dead"))
    there.clear_journal()
    assert run("ses_setup")[1].endswith("nothing to do.\n")
    assert mail_calls(there) == READS[1:]
    assert json.loads(attributes(there)["RedrivePolicy"])["maxReceiveCount"] == 3


def test_a_deleted_dead_letter_queue_is_created_again(there):
    sqs().delete_queue(QueueUrl=queue_url(there, "inbound-mail-dead"))
    assert run("ses_setup")[1] == "Queue inbound-mail-dead was created.\n"


def test_statements_of_others_are_kept(there):
    theirs = {"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": QUEUE}
    set_attribute(there, "Policy", json.dumps({"Version": "2012-10-17", "Statement": theirs}))
    run("ses_setup")
    statements = json.loads(attributes(there)["Policy"])["Statement"]
    assert [statement["Sid"] for statement in statements] == ["Theirs", "InboundTopicSends"]


def test_the_policy_of_a_topic_that_exists_is_kept_and_ours_is_added(named):
    sns().create_topic(Name="inbound-mail")
    said = run("ses_setup")[1].splitlines()
    assert said[2:] == [
        "SES may publish to topic inbound-mail.",
        "Topic inbound-mail signs with version 2.",
        CREATED[-1],
    ]
    policy = json.loads(sns().get_topic_attributes(TopicArn=TOPIC)["Attributes"]["Policy"])
    assert [statement["Sid"] for statement in policy["Statement"]] == [
        "__default_statement_ID",
        "InboundSesPublishesInboundEmailRules",
    ]


def test_a_changed_rule_set_is_allowed_beside_the_earlier_one(there, settings):
    settings.SES_RULE_SET = "new-rules"
    run("ses_setup", "--take-over")
    policy = json.loads(sns().get_topic_attributes(TopicArn=TOPIC)["Attributes"]["Policy"])
    assert [statement["Sid"] for statement in policy["Statement"]][1:] == [
        "InboundSesPublishesInboundEmailRules",
        "InboundSesPublishesNewRules",
    ]


def test_wrapped_notifications_are_made_bare(there):
    [subscription] = sns().list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]
    sns().set_subscription_attributes(
        SubscriptionArn=subscription["SubscriptionArn"], AttributeName="RawMessageDelivery", AttributeValue="false"
    )
    assert run("ses_setup")[1] == f"{QUEUE} gets the bare notifications.\n"
    assert run("ses_setup")[1].endswith("nothing to do.\n")


def test_a_lost_subscription_is_made_again(there):
    [subscription] = sns().list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]
    sns().unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    assert run("ses_setup")[1] == f"{CREATED[-1]}\n"
