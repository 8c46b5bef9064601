"""Topic and queues of the emulated AWS, and the calls that create them and look at them."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from ses_integration.tests.commands.run import run

TOPIC = "arn:aws:sns:eu-west-1:123456789012:inbound-mail"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:inbound-mail"
CREATED = [
    "Queue inbound-mail-dead was created.",
    "Queue inbound-mail was created.",
    "Topic inbound-mail was created.",
    "SES may publish to topic inbound-mail.",
    f"{QUEUE} gets the topic's notifications.",
]
# What --mail also creates.
CREATED_TO_SEND = [
    "Configuration set inbound-out was created.",
    "Configuration set inbound-out tells topic inbound-mail of bounces and complaints.",
]
FRESH_CALLS = [
    "GetQueueUrl",
    "GetQueueUrl",
    "CreateQueue",
    "CreateQueue",
    "GetTopicAttributes",
    "CreateTopic",
    "GetTopicAttributes",
    "SetTopicAttributes",
    "ListSubscriptionsByTopic",
    "Subscribe",
]
READS = [
    "GetQueueAttributes",
    "GetQueueAttributes",
    "GetTopicAttributes",
    "ListSubscriptionsByTopic",
    "GetSubscriptionAttributes",
]


def sns():
    return boto3.client("sns", region_name="eu-west-1")


def sqs():
    return boto3.client("sqs", region_name="eu-west-1")


def queue_url(aws, name="inbound-mail") -> str:
    return f"{aws.url}/123456789012/{name}"


def attributes(aws, name="inbound-mail") -> Any:
    return sqs().get_queue_attributes(QueueUrl=queue_url(aws, name), AttributeNames=["All"])["Attributes"]


def set_attribute(aws, name: str, value: str) -> None:
    # moto forgets a policy that is not sent again.
    kept = {"Policy": attributes(aws)["Policy"]}
    sqs().set_queue_attributes(QueueUrl=queue_url(aws), Attributes={**kept, name: value})


def mail_calls(aws) -> list[str]:
    return [entry["action"] for entry in aws.journal() if entry["service"] in ("sns", "sqs")]


@pytest.fixture
def named(ses, settings):
    """The settings name topic and queue, which do not exist yet."""
    settings.SES_TOPIC_ARN, settings.SES_QUEUE_URL = TOPIC, queue_url(ses)
    return ses


@pytest.fixture
def there(named):
    """They exist."""
    run("ses_setup")
    named.clear_journal()
    return named
