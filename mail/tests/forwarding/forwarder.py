"""An endpoint that forwards what hello@example.com receives, and what SES has sent for it."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.request import urlopen

import boto3

from addresses.models import EmailAddress
from endpoints.models import Endpoint
from inbound.tests.support.factories import EndpointFactory
from mail.models import Delivery, ForwardRecipient
from mail.tests.postbox import MAIL, Postbox, work

EVENTS: Any = ["BOUNCE", "COMPLAINT"]


class Forwarder:
    def __init__(self, postbox: Postbox, endpoint: Endpoint) -> None:
        self.postbox = postbox
        self.endpoint = endpoint

    @property
    def aws(self) -> Any:
        return self.postbox.aws

    def forward(self, raw: bytes = MAIL, *recipients: str, **options: Any) -> Delivery:
        """Receive a mail, and run a worker until nothing is left. Returns the newest delivery."""
        self.postbox.deliver(*recipients, raw=raw, **options)
        work()
        return Delivery.objects.order_by("-created_at", "-pk")[0]

    def sent(self) -> list[dict[str, Any]]:
        """What SES has sent, oldest first."""
        return list(self.aws.outbox())

    def raw(self, number: int = -1) -> bytes:
        with urlopen(f"{self.aws.url}/_outbox/{self.sent()[number]['id']}") as answer:
            return bytes(answer.read())

    def states(self) -> dict[str, str]:
        return dict(ForwardRecipient.objects.order_by("pk").values_list("address", "state"))

    def bounce(self, number: int = -1, **details: Any) -> Counter[str]:
        """Let a mail bounce, and run a worker."""
        self.aws.bounce(self.sent()[number]["id"], **details)
        return work()


def route(address: EmailAddress, kind: str, **config: Any) -> Endpoint:
    endpoint: Endpoint = EndpointFactory(owner=address.domain.owner, type=kind, config=config)
    EmailAddress.objects.filter(pk=address.pk).update(endpoint=endpoint)
    return endpoint


def forwarder(postbox: Postbox, *members: str, **config: Any) -> Forwarder:
    """To one address, or to a group."""
    address = EmailAddress.objects.get(address=f"hello@{postbox.domain.name}")
    kind, addressees = (
        ("email", {"forwardTo": members[0]}) if len(members) == 1 else ("email_group", {"emails": [*members]})
    )
    postbox.aws.limit_sending(perSecond=1000)
    return Forwarder(postbox, route(address, kind, **addressees, **config))


def publish_events(settings: Any) -> None:
    """Let SES tell the topic of bounces, as `ses_setup` does."""
    client = boto3.client("sesv2", region_name="eu-west-1")
    client.create_configuration_set(ConfigurationSetName="inbound")
    client.create_configuration_set_event_destination(
        ConfigurationSetName="inbound",
        EventDestinationName="inbound",
        EventDestination={
            "Enabled": True, "MatchingEventTypes": EVENTS, "SnsDestination": {"TopicArn": settings.SES_TOPIC_ARN}
        },
    )  # fmt: skip
    settings.SES_CONFIGURATION_SET = "inbound"
