"""A topic, its queue and the dead-letter queue, as an operator sets them up; and an SNS that signs whatever it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from ses_integration.arrivals import certificates
from ses_integration.aws import clients
from ses_integration.tests.arrivals.samples import TOPIC
from ses_integration.tests.arrivals.sns_server import Sns, serving

REGION = "eu-west-1"


@dataclass(frozen=True)
class Mailing:
    """Clients, and where SES tells of mail."""

    sns: Any
    sqs: Any
    queue: str
    dead_letters: str

    def publish(self, message: str | dict[str, Any]) -> None:
        """As SES does."""
        text = message if isinstance(message, str) else json.dumps(message)
        self.sns.publish(TopicArn=TOPIC, Subject="Amazon SES Email Receipt Notification", Message=text)


@pytest.fixture
def mailing(ses, settings) -> Mailing:
    """Messages that are taken are visible again at once."""
    sns, sqs = boto3.client("sns", region_name=REGION), boto3.client("sqs", region_name=REGION)
    assert sns.create_topic(Name="mail")["TopicArn"] == TOPIC
    dead = sqs.create_queue(QueueName="mail-dead-letters")["QueueUrl"]
    redrive = {"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:123456789012:mail-dead-letters", "maxReceiveCount": 10}
    attributes: Any = {"VisibilityTimeout": "0", "RedrivePolicy": json.dumps(redrive)}
    queue = sqs.create_queue(QueueName="mail", Attributes=attributes)["QueueUrl"]
    sns.subscribe(
        TopicArn=TOPIC,
        Protocol="sqs",
        Endpoint="arn:aws:sqs:eu-west-1:123456789012:mail",
        Attributes={"RawMessageDelivery": "true"},
    )
    settings.SES_TOPIC_ARN, settings.SES_QUEUE_URL = TOPIC, queue
    ses.clear_journal()
    return Mailing(sns, sqs, queue, dead)


@pytest.fixture
def sns(settings, monkeypatch) -> Iterator[Sns]:
    settings.SES_TOPIC_ARN = TOPIC
    with serving() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", server.url)
        clients.forget()
        certificates.forget()
        yield server
    clients.forget()
    certificates.forget()
