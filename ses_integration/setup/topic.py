"""The topic that SES publishes to, and who gets its notifications."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_integration.errors import NotFound
from ses_integration.setup.calls import permitted
from ses_integration.setup.names import MailNames
from ses_integration.setup.policies import Statement, merge

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

# SHA-256 instead of SHA-1 (Amazon SNS Developer Guide, "Configuring message signature version").
SIGNATURE_VERSION = "2"
PENDING = "PendingConfirmation"


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A queue's ARN, or a URL. Only the queue gets the bare message: posts to a URL must be signed, and are in an envelope."""

    protocol: str
    endpoint: str

    @property
    def raw(self) -> bool:
        return self.protocol == "sqs"


def set_up_topic(
    sns: SNSClient, names: MailNames, admitted: Iterable[Statement], tell: Callable[[str], object]
) -> None:
    """Create and repair the topic, which signs with version 2. `admitted`: what lets SES publish. Raises SesError.

    The statements are added to what AWS gives a new topic, which lets the topic's account publish.
    """
    arn = names.topic_arn
    held = topic_attributes(sns, arn)
    if held is None:
        with permitted("sns:CreateTopic", arn):
            sns.create_topic(Name=names.topic, Attributes={"SignatureVersion": SIGNATURE_VERSION})
        tell(f"Topic {names.topic} was created.")
        held = topic_attributes(sns, arn) or {}
    before = policy = held.get("Policy", "")
    for statement in admitted:
        policy = merge(policy, statement) or policy
    if policy != before:
        _set(sns, arn, "Policy", policy)
        tell(f"SES may publish to topic {names.topic}.")
    if held.get("SignatureVersion") != SIGNATURE_VERSION:
        _set(sns, arn, "SignatureVersion", SIGNATURE_VERSION)
        tell(f"Topic {names.topic} signs with version {SIGNATURE_VERSION}.")


def set_up_subscription(sns: SNSClient, arn: str, subscriber: Subscriber, tell: Callable[[str], object]) -> None:
    """Create and repair the subscription. A URL has to confirm it, and is asked again until it has. Raises SesError."""
    found = find_subscription(sns, arn, subscriber)
    if found in ("", PENDING):
        with permitted("sns:Subscribe", arn):
            found = sns.subscribe(
                TopicArn=arn,
                Protocol=subscriber.protocol,
                Endpoint=subscriber.endpoint,
                Attributes={"RawMessageDelivery": "true"} if subscriber.raw else {},
            )["SubscriptionArn"]
        # SNS answers "pending confirmation" here.
        pending = not found.startswith("arn:")
        tell(
            f"{subscriber.endpoint} has been asked to confirm its subscription."
            if pending
            else f"{subscriber.endpoint} gets the topic's notifications."
        )
        return
    with permitted("sns:GetSubscriptionAttributes", found):
        held = sns.get_subscription_attributes(SubscriptionArn=found)["Attributes"]
    if (held.get("RawMessageDelivery", "false").lower() == "true") != subscriber.raw:
        with permitted("sns:SetSubscriptionAttributes", found):
            sns.set_subscription_attributes(
                SubscriptionArn=found,
                AttributeName="RawMessageDelivery",
                AttributeValue=str(subscriber.raw).lower(),
            )
        tell(f"{subscriber.endpoint} gets {'the bare notifications' if subscriber.raw else 'signed notifications'}.")


def topic_attributes(sns: SNSClient, arn: str) -> Mapping[str, str] | None:
    """The topic's attributes, or None if it does not exist. Raises SesError."""
    try:
        with permitted("sns:GetTopicAttributes", arn):
            return sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    except NotFound:
        return None


def find_subscription(sns: SNSClient, arn: str, subscriber: Subscriber) -> str:
    """The ARN of a subscription, PENDING until its URL has confirmed it, or an empty string. Raises SesError."""
    token = ""
    while True:
        with permitted("sns:ListSubscriptionsByTopic", arn):
            page = sns.list_subscriptions_by_topic(TopicArn=arn, **({"NextToken": token} if token else {}))
        for subscription in page.get("Subscriptions", []):
            if (subscription["Protocol"], subscription["Endpoint"]) == (subscriber.protocol, subscriber.endpoint):
                return subscription["SubscriptionArn"]
        token = page.get("NextToken", "")
        if not token:
            return ""


def _set(sns: SNSClient, arn: str, name: str, value: str) -> None:
    with permitted("sns:SetTopicAttributes", arn):
        sns.set_topic_attributes(TopicArn=arn, AttributeName=name, AttributeValue=value)
