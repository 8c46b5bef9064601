"""An emulated SES that receives mail for a domain of ours, and tells of it in a queue."""

from __future__ import annotations

from collections import Counter
from typing import Any

import boto3

from domains.models import Domain
from inbound.tests.support.factories import EmailAddressFactory
from mail.worker.worker import MailWorker
from ses_integration.aws import clients
from ses_integration.emulator.server import Emulator

MAIL = b"From: Jo <jo@example.net>\r\nTo: hello@example.com\r\nSubject: Hello\r\nMessage-ID: <1@example.net>\r\n\r\nHi!\r\n"


class Postbox:
    """`domain` receives mail for hello@ and other addresses that are added."""

    def __init__(self, aws: Emulator, domain: Domain, queue_url: str) -> None:
        self.aws = aws
        self.domain = domain
        self._queue_url = queue_url

    def add_address(self, local: str) -> str:
        return str(EmailAddressFactory(domain=self.domain, address=f"{local}@{self.domain.name}").address)

    def deliver(self, *recipients: str, raw: bytes = MAIL, sender: str = "jo@example.net") -> str:
        """Let SES receive a mail, and return its id. Object and notification are there."""
        (ses_id,) = self.aws.deliver(sender, recipients or (f"hello@{self.domain.name}",), raw)
        return ses_id

    def lose_notifications(self) -> None:
        """Forget what the queue holds."""
        self.sqs.purge_queue(QueueUrl=self._queue_url)

    def notifications(self) -> list[str]:
        """Take everything from the queue, and return the texts."""
        texts: list[str] = []
        while messages := self.sqs.receive_message(QueueUrl=self._queue_url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                texts.append(message["Body"])
                self.sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
        return texts

    def tell(self, text: str) -> None:
        """Put a notification into the queue, as SNS does."""
        self.sqs.send_message(QueueUrl=self._queue_url, MessageBody=text)

    def depth(self) -> tuple[int, int]:
        """How many notifications wait, and how many a process has taken and not deleted."""
        names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self._queue_url, AttributeNames=names)["Attributes"]
        return int(found[names[0]]), int(found[names[1]])

    def hide_for(self, seconds: int) -> None:
        """How long the queue hides what a process has taken and not deleted."""
        self.sqs.set_queue_attributes(QueueUrl=self._queue_url, Attributes={"VisibilityTimeout": str(seconds)})

    def key(self, ses_id: str) -> str:
        return f"{self.domain.key_prefix}{ses_id}"

    def delete_object(self, ses_id: str) -> None:
        clients.s3("eu-west-1").delete_object(Bucket="inbound-mail", Key=self.key(ses_id))

    @property
    def sqs(self) -> Any:
        return boto3.client("sqs", region_name="eu-west-1", endpoint_url=self.aws.url)


def work(**options: Any) -> Counter[str]:
    """Run a worker until nothing is left, and return what it has done."""
    sweep = bool(options.pop("sweep", False))
    worker = MailWorker(sweep_now=sweep, **options)
    counts = worker.run_once(sweep=sweep)
    assert not worker.troubles.sentences
    return counts
