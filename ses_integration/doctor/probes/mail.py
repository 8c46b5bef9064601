"""The doctor's calls to topic and queue. The probe tells of no mail, and every reader ignores it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ses_integration.arrivals.probe import probe
from ses_integration.doctor.probes.response import Response
from ses_integration.doctor.probes.send import send
from ses_integration.doctor.probes.session import AwsSession

NO_TOPIC = "NotFound"
NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"
NO_HANDLE = "ReceiptHandleIsInvalid"
# Amazon SQS API Reference, ReceiveMessage.
BATCH = 10


def get_topic(aws: AwsSession) -> Response:
    arn = aws.config.topic_arn
    return send(
        "GetTopicAttributes (ses_doctor)", lambda: aws.sns.get_topic_attributes(TopicArn=arn), expected=(NO_TOPIC,)
    )


def list_subscriptions(aws: AwsSession) -> Response:
    """All subscriptions of the topic, as one response."""

    def pages() -> Mapping[str, Any]:
        page: Mapping[str, Any] = aws.sns.list_subscriptions_by_topic(TopicArn=aws.config.topic_arn)
        found = list(page.get("Subscriptions", []))
        while token := page.get("NextToken"):
            page = aws.sns.list_subscriptions_by_topic(TopicArn=aws.config.topic_arn, NextToken=token)
            found += page.get("Subscriptions", [])
        return {**page, "Subscriptions": found}

    return send("ListSubscriptionsByTopic (ses_doctor)", pages, expected=(NO_TOPIC,))


def get_subscription(aws: AwsSession, arn: str) -> Response:
    return send(
        "GetSubscriptionAttributes (ses_doctor)", lambda: aws.sns.get_subscription_attributes(SubscriptionArn=arn)
    )


def get_queue(aws: AwsSession, url: str) -> Response:
    return send(
        "GetQueueAttributes (ses_doctor)",
        lambda: aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]),
        expected=(NO_QUEUE,),
    )


def delete_nothing(aws: AwsSession) -> Response:
    """Delete a message with a handle that SQS has not given. IAM is asked before SQS looks at it."""
    return send(
        "DeleteMessage (ses_doctor)",
        lambda: aws.sqs.delete_message(QueueUrl=aws.config.queue_url, ReceiptHandle=aws.names.token),
        expected=(NO_HANDLE,),
    )


def publish(aws: AwsSession) -> Response:
    return send(
        "Publish (ses_doctor)",
        lambda: aws.sns.publish(TopicArn=aws.config.topic_arn, Message=probe(aws.names.token)),
    )


def receive(aws: AwsSession, seconds: int) -> Response:
    """Look at messages of the queue for up to `seconds`, without hiding them from those who read it."""
    return send(
        "ReceiveMessage (ses_doctor)",
        lambda: aws.sqs.receive_message(
            QueueUrl=aws.config.queue_url, MaxNumberOfMessages=BATCH, WaitTimeSeconds=seconds, VisibilityTimeout=0
        ),
    )


def delete(aws: AwsSession, handle: str) -> Response:
    return send(
        "DeleteMessage (ses_doctor)",
        lambda: aws.sqs.delete_message(QueueUrl=aws.config.queue_url, ReceiptHandle=handle),
    )
