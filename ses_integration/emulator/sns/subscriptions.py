"""Subscriptions that deliver as SNS does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from moto.sns import models
from moto.sqs.models import Message, sqs_backends

from ses_integration.emulator.sns.posts import POSTS, Post
from ses_integration.emulator.sns.signing import certificate_path, signature


class Subscription(models.Subscription):  # type: ignore[misc]
    """moto's subscription, with deliveries to SQS and HTTP(S) of our own.

    An HTTP subscription gets messages once it is confirmed.
    """

    # The address of the emulator, for links in messages.
    base_url = ""
    token = ""

    @property
    def is_http(self) -> bool:
        return self.protocol in ("http", "https")

    @property
    def is_raw(self) -> bool:
        return str(self.attributes.get("RawMessageDelivery")).lower() == "true"

    def publish(self, message: str, message_id: str, subject: str | None = None, **details: Any) -> None:
        """Deliver a message of the topic."""
        attributes = details.get("message_attributes")
        if self._filter_policy_matcher is not None and not self._filter_policy_matcher.matches(attributes, message):
            return
        if self.protocol != "sqs" and not self.is_http:
            super().publish(message, message_id, subject=subject, **details)
            return
        if details.get("message_structure") == "json":
            message = self._parse_message_structure(message, self.protocol)
        if self.protocol == "sqs":
            self._to_queue(
                message if self.is_raw else json.dumps(self._envelope(message, message_id, subject, attributes))
            )
        elif self.confirmed:
            body = message if self.is_raw else json.dumps(self._envelope(message, message_id, subject, attributes))
            self._post("Notification", message_id, body)

    def ask_for_confirmation(self) -> None:
        """Send the subscriber a token for ConfirmSubscription."""
        self.token = f"{uuid4().hex}{uuid4().hex}"
        message_id = str(uuid4())
        query = {"Action": "ConfirmSubscription", "TopicArn": self.topic.arn, "Token": self.token}
        text = (
            f"You have chosen to subscribe to the topic {self.topic.arn}.\n"
            "To confirm the subscription, visit the SubscribeURL included in this message."
        )
        message = {
            "Type": "SubscriptionConfirmation",
            "MessageId": message_id,
            "Token": self.token,
            "TopicArn": self.topic.arn,
            "Message": text,
            "SubscribeURL": f"{self.base_url}/?{urlencode(query)}",
            "Timestamp": _now(),
        }
        self._post("SubscriptionConfirmation", message_id, json.dumps(self._signed(message)))

    def _envelope(
        self, message: str, message_id: str, subject: str | None, attributes: dict[str, Any] | None
    ) -> dict[str, Any]:
        envelope = {"Type": "Notification", "MessageId": message_id, "TopicArn": self.topic.arn}
        if subject:
            envelope["Subject"] = subject
        signed: dict[str, Any] = {**self._signed({**envelope, "Message": message, "Timestamp": _now()})}
        unsubscribe = urlencode({"Action": "Unsubscribe", "SubscriptionArn": self.arn})
        signed["UnsubscribeURL"] = f"{self.base_url}/?{unsubscribe}"
        return {**signed, "MessageAttributes": attributes} if attributes else signed

    def _signed(self, message: dict[str, str]) -> dict[str, str]:
        version = signature_version(self.topic)
        return {
            **message,
            "SignatureVersion": version,
            "Signature": signature(message, version),
            "SigningCertURL": f"{self.base_url}{certificate_path()}",
        }

    def _post(self, kind: str, message_id: str, body: str) -> None:
        headers = {
            "x-amz-sns-message-type": kind,
            "x-amz-sns-message-id": message_id,
            "x-amz-sns-topic-arn": self.topic.arn,
            "Content-Type": "text/plain; charset=UTF-8",
            "User-Agent": "Amazon Simple Notification Service Agent",
        }
        if kind == "Notification":
            headers["x-amz-sns-subscription-arn"] = self.arn
            if self.is_raw:
                headers["x-amz-sns-rawdelivery"] = "true"
        POSTS.send(Post(self.endpoint, headers, body.encode()))

    def _to_queue(self, body: str) -> None:
        _, _, _, region, account, name = self.endpoint.split(":")
        queue = sqs_backends[account][region].queues.get(name)
        if queue is None:
            POSTS.given_up += 1
            return
        # Not through moto's `send_message`, which counts all messages of the queue for each new one.
        message = Message(str(uuid4()), body)
        message.mark_sent(delay_seconds=queue.delay_seconds)
        queue.add_message(message)


def publish(arn: str, message: str, subject: str, *, message_id: str) -> None:
    """Publish for SES. A message id that is used again is a repeated delivery. Nothing happens if the topic is gone."""
    topic = _topic(arn)
    if topic is not None:
        for subscription in topic.sns_backend._get_topic_subscriptions(topic):
            subscription.publish(message, message_id, subject=subject)


def topic_exists(arn: str) -> bool:
    return _topic(arn) is not None


def _topic(arn: str) -> Any:
    _, _, _, region, account, _ = arn.split(":", 5)
    return models.sns_backends[account][region].topics.get(arn)


def signature_version(topic: Any) -> str:
    """1, unless the topic's attribute `SignatureVersion` says 2."""
    return str(getattr(topic, "signature_version", "1"))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


models.Subscription = Subscription
