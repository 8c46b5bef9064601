"""What a test does with received mail: add rules, send, and read objects and notifications."""

from __future__ import annotations

import json
import smtplib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ses_integration.emulator.preparation import MailSetup
from ses_integration.emulator.server import Emulator

RAW = b"From: Ann <ann@sender.example>\r\nTo: hello@example.com\r\nSubject: Hello\r\n\r\nHow are you?\r\n"


@dataclass(frozen=True)
class Inbox:
    emulator: Emulator
    ses: Any
    s3: Any
    sqs: Any
    prepared: MailSetup

    def add_rule(self, name: str, *recipients: str, actions: Sequence[Any] = (), **details: Any) -> None:
        """Add a rule at the end that stores under `<name>/` and notifies, or has other actions."""
        stored = {"BucketName": "mail", "ObjectKeyPrefix": f"{name}/", "TopicArn": self.prepared.topic_arn}
        held = self.ses.describe_receipt_rule_set(RuleSetName="set")["Rules"]
        self.ses.create_receipt_rule(
            RuleSetName="set",
            Rule={
                "Name": name,
                "Enabled": True,
                "Recipients": list(recipients),
                "Actions": list(actions) or [{"S3Action": stored}],
                **details,
            },
            **({"After": held[-1]["Name"]} if held else {}),
        )

    def smtp(self) -> smtplib.SMTP:
        host, port = self.emulator.smtp_address.split(":")
        return smtplib.SMTP(host, int(port), timeout=30)

    def send(self, *recipients: str, raw: bytes = RAW, sender: str = "ann@sender.example") -> dict[str, Any]:
        """Send over SMTP, and return the refused recipients. Raises SMTPRecipientsRefused if all are."""
        with self.smtp() as connection:
            return connection.sendmail(sender, recipients, raw, ["BODY=8BITMIME"])

    def notifications(self) -> list[dict[str, Any]]:
        """All notifications that are waiting, and take them from the queue."""
        found: list[dict[str, Any]] = []
        while batch := self.sqs.receive_message(QueueUrl=self.prepared.queue_url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            found += [json.loads(message["Body"]) for message in batch]
            for message in batch:
                self.sqs.delete_message(QueueUrl=self.prepared.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def fired(self) -> list[tuple[str, list[str]]]:
        """Which rules have sent a notification, and the recipients in it."""
        return [
            (found["receipt"]["action"]["objectKeyPrefix"].rstrip("/"), found["receipt"]["recipients"])
            for found in self.notifications()
        ]

    def stored(self, key: str) -> bytes:
        content: bytes = self.s3.get_object(Bucket="mail", Key=key)["Body"].read()
        return content
