"""The queue that gets the topic's notifications, and its dead-letter queue."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_integration.errors import NotFound
from ses_integration.setup.calls import permitted
from ses_integration.setup.names import MailNames, sibling_url
from ses_integration.setup.policies import merge, topic_sends

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

    Attributes = Mapping[QueueAttributeNameType, str]

DAY = 86_400
MAX_RECEIVES = 10
# What a queue has at least. 14 days is the most that SQS allows (Amazon SQS API Reference, SetQueueAttributes).
RETENTION: Mapping[QueueAttributeNameType, int] = {"MessageRetentionPeriod": 14 * DAY}
OF_QUEUE: Mapping[QueueAttributeNameType, int] = {
    **RETENTION,
    "VisibilityTimeout": 120,
    "ReceiveMessageWaitTimeSeconds": 20,
}
WORDS: Mapping[str, str] = {
    "MessageRetentionPeriod": "keeps messages for 14 days",
    "VisibilityTimeout": "hides what is being read for 120 seconds",
    "ReceiveMessageWaitTimeSeconds": "lets readers wait for 20 seconds",
    "RedrivePolicy": "has a dead-letter queue",
    "Policy": "takes what the topic sends",
}


@dataclass(frozen=True, slots=True)
class Queue:
    url: str
    attributes: Attributes


def set_up_queues(sqs: SQSClient, names: MailNames, url: str, tell: Callable[[str], object]) -> str:
    """Create and repair both queues, and return the URL of the queue. `url`: where it is, if that is known. Raises SesError.

    A dead-letter queue that somebody has chosen stays as it is.
    """
    queue = find(sqs, names.arn_of_queue(names.queue), url)
    dead_letters_arn = names.arn_of_queue(names.dead_letters)
    redrive = (queue.attributes.get("RedrivePolicy") if queue else "") or json.dumps(
        {"deadLetterTargetArn": dead_letters_arn, "maxReceiveCount": MAX_RECEIVES}
    )
    if dead_letter_arn(redrive) == dead_letters_arn:
        known = sibling_url(url, names.dead_letters) if url else ""
        _set_up(sqs, dead_letters_arn, find(sqs, dead_letters_arn, known), RETENTION, {}, tell)
    before = queue.attributes.get("Policy", "") if queue else ""
    texts: dict[QueueAttributeNameType, str] = {"RedrivePolicy": redrive}
    if policy := merge(before, topic_sends(names)):
        texts["Policy"] = policy
    return _set_up(sqs, names.queue_arn, queue, OF_QUEUE, texts, tell)


def find(sqs: SQSClient, arn: str, url: str = "") -> Queue | None:
    """A queue with its attributes, or None if it does not exist. Raises SesError."""
    *_, account, name = arn.split(":")
    try:
        if not url:
            with permitted("sqs:GetQueueUrl", arn):
                url = sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
        with permitted("sqs:GetQueueAttributes", arn):
            answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    except NotFound:
        return None
    return Queue(url, answer.get("Attributes", {}))


def dead_letter_arn(redrive: str) -> str:
    """Where a redrive policy moves what is received too often, or an empty string."""
    return str(json.loads(redrive).get("deadLetterTargetArn", "")) if redrive else ""


def _set_up(
    sqs: SQSClient,
    arn: str,
    queue: Queue | None,
    numbers: Mapping[QueueAttributeNameType, int],
    texts: Attributes,
    tell: Callable[[str], object],
) -> str:
    """Create the queue, or repair it: `numbers` are the least values, `texts` the desired ones. Return its URL."""
    name = arn.rpartition(":")[2]
    if queue is None:
        desired = {**{attribute: str(least) for attribute, least in numbers.items()}, **texts}
        with permitted("sqs:CreateQueue", arn):
            url = sqs.create_queue(QueueName=name, Attributes=desired)["QueueUrl"]
        tell(f"Queue {name} was created.")
        return url
    held = queue.attributes
    changes = {attribute: str(least) for attribute, least in numbers.items() if int(held.get(attribute, 0)) < least}
    changes |= {attribute: text for attribute, text in texts.items() if held.get(attribute) != text}
    if changes:
        with permitted("sqs:SetQueueAttributes", arn):
            sqs.set_queue_attributes(QueueUrl=queue.url, Attributes=changes)
        tell(f"Queue {name} {' and '.join(WORDS[attribute] for attribute in changes)}.")
    return queue.url
