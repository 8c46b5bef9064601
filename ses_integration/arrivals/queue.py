"""The SQS queue that gets the topic's notifications: take them, and delete them once they are in the database."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_integration.arrivals.arrival import Arrival
from ses_integration.arrivals.feedback import Feedback
from ses_integration.arrivals.notification import read_notification
from ses_integration.arrivals.probe import record_probe
from ses_integration.aws import clients
from ses_integration.aws.translate import aws_errors
from ses_integration.conf import ses_config
from ses_integration.errors import NotConfigured

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# Amazon SQS API Reference, ReceiveMessage and DeleteMessageBatch.
LONGEST_POLL = 20
BATCH = 10

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class QueuedNotification:
    """A message of the queue. With neither `arrival` nor `feedback`, `ignored` says why: it is deleted like the others."""

    handle: str
    arrival: Arrival | None = None
    feedback: Feedback | None = None
    ignored: str = ""


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Messages that wait, that a process has taken and not deleted, and that lie in the dead-letter queue. Approximate."""

    waiting: int
    in_flight: int
    dead_letters: int


class MailQueue:
    """The queue that SES_QUEUE_URL names. Thread-safe. Raises NotConfigured without one, or without region or credentials."""

    def __init__(self) -> None:
        config = ses_config()
        if not config.queue_url:
            raise NotConfigured("SES_QUEUE_URL is missing.")
        clients.require_credentials(config.region)
        self._region, self._url = config.region, config.queue_url

    def receive(self, seconds: float, most: int = BATCH) -> list[QueuedNotification]:
        """Wait up to `seconds` (at most 20) for messages, and take up to `most` (at most 10). Raises SesError.

        A message that is not deleted within the queue's visibility timeout comes again.
        """
        wait = max(0, min(LONGEST_POLL, int(seconds)))
        with aws_errors("ReceiveMessage", on=_name(self._url)):
            answer = self._sqs(poll=wait > 0).receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=max(1, min(BATCH, most)), WaitTimeSeconds=wait
            )
            messages = [(message["ReceiptHandle"], message["Body"]) for message in answer.get("Messages", [])]
        return [_read(handle, body) for handle, body in messages]

    def delete(self, handles: Sequence[str]) -> None:
        """Delete messages, in batches of ten. Raises SesError.

        What SQS does not delete comes again after the visibility timeout, which is harmless: it is only logged.
        """
        for start in range(0, len(handles), BATCH):
            self._delete(handles[start : start + BATCH])

    def depth(self) -> QueueDepth:
        """Ask for the lengths of the queue and of the dead-letter queue in its redrive policy. Two calls. Raises SesError."""
        here = self._attributes(self._url)
        dead = _dead_letter_url(self._url, here.get("RedrivePolicy", ""))
        return QueueDepth(
            waiting=int(here["ApproximateNumberOfMessages"]),
            in_flight=int(here["ApproximateNumberOfMessagesNotVisible"]),
            dead_letters=int(self._attributes(dead)["ApproximateNumberOfMessages"]) if dead else 0,
        )

    def _delete(self, handles: Sequence[str]) -> None:
        left = dict(enumerate(handles))
        # SQS may fail to delete some of a batch just now.
        for _ in range(2):
            if not left:
                return
            with aws_errors("DeleteMessageBatch", on=_name(self._url)):
                answer = self._sqs().delete_message_batch(
                    QueueUrl=self._url,
                    Entries=[{"Id": str(number), "ReceiptHandle": handle} for number, handle in left.items()],
                )
                failed = {int(entry["Id"]): entry for entry in answer.get("Failed", [])}
            for number, entry in failed.items():
                logger.warning("DeleteMessageBatch, message %s: %s", number, entry.get("Code", "no code"))
            left = {number: left[number] for number, entry in failed.items() if not entry.get("SenderFault")}

    def _attributes(self, url: str) -> dict[Any, str]:
        with aws_errors("GetQueueAttributes", on=_name(url)):
            answer = self._sqs().get_queue_attributes(
                QueueUrl=url,
                AttributeNames=[
                    "ApproximateNumberOfMessages",
                    "ApproximateNumberOfMessagesNotVisible",
                    "RedrivePolicy",
                ],
            )
            return dict(answer["Attributes"])

    def _sqs(self, *, poll: bool = False) -> SQSClient:
        return clients.sqs(self._region, poll=poll)


def _read(handle: str, body: str) -> QueuedNotification:
    found = read_notification(body)
    if isinstance(found, Arrival):
        return QueuedNotification(handle, arrival=found)
    if isinstance(found, Feedback):
        return QueuedNotification(handle, feedback=found)
    record_probe(body)
    return QueuedNotification(handle, ignored=found)


def _dead_letter_url(url: str, policy: str) -> str:
    """A dead-letter queue is in the account and region of its queue, so its URL differs in the name only."""
    try:
        name = json.loads(policy)["deadLetterTargetArn"].rpartition(":")[2]
    except (ValueError, TypeError, KeyError, AttributeError):
        return ""
    return f"{url.rpartition('/')[0]}/{name}"


def _name(url: str) -> str:
    return url.rpartition("/")[2]
