"""An endpoint that forwards what hello@example.com receives, and what SES has sent for it."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.request import urlopen

import boto3

from addresses.models import EmailAddress
from endpoints.models import Endpoint
from inbound.tests.support.factories import EndpointFactory
from mail.delivery.claims import claim
from mail.delivery.finish import Outcome, finish
from mail.forwarding.attempt import attempt
from mail.models import Delivery, ForwardRecipient, ReceivedEmail
from mail.routing.record import create_deliveries
from mail.tests.delivery.deliveries import pass_time
from mail.tests.inbox import stored
from mail.tests.postbox import MAIL, Postbox, work

EVENTS: Any = ["BOUNCE", "COMPLAINT"]
HELLO = "hello@example.com"


class Forwarder:
    def __init__(self, postbox: Postbox, endpoint: Endpoint) -> None:
        self.postbox = postbox
        self.endpoint = endpoint

    @property
    def aws(self) -> Any:
        return self.postbox.aws

    def receive(self, raw: bytes = MAIL, *, to: str = HELLO, **message: Any) -> Delivery:
        """A mail that has been read and routed to the endpoint."""
        columns: dict[str, Any] = {
            "from_name": "Jo",
            "from_address": "jo@example.net",
            "subject": "Hello",
            "attachments": [],
        }
        email: ReceivedEmail = stored(self.postbox.domain, raw, **columns | message)
        ReceivedEmail.objects.filter(pk=email.pk).update(recipient=to)
        create_deliveries(self.endpoint.pk, [email.pk])
        return Delivery.objects.get(received=email)

    def attempt(self) -> Outcome:
        """Attempt the delivery that is due, as the worker does."""
        (claimed,) = claim(1).deliveries
        return finish(claimed, attempt(claimed))

    def again(self) -> Outcome:
        """The next attempt, whenever it is due."""
        pass_time(86_400)
        return self.attempt()

    def forward(self, raw: bytes = MAIL, **message: Any) -> Delivery:
        """Receive a mail, and attempt its delivery once."""
        delivery = self.receive(raw, **message)
        self.attempt()
        delivery.refresh_from_db()
        return delivery

    def sent(self) -> list[dict[str, Any]]:
        """What SES has sent, oldest first."""
        return list(self.aws.outbox())

    def reached(self) -> list[str]:
        return [recipient for mail in self.sent() for recipient in mail["to"]]

    def raw(self, number: int = -1) -> bytes:
        with urlopen(f"{self.aws.url}/_outbox/{self.sent()[number]['id']}") as answer:
            return bytes(answer.read())

    def states(self) -> dict[str, str]:
        """Of the newest delivery."""
        newest = Delivery.objects.order_by("-created_at", "-pk")[0]
        return dict(ForwardRecipient.objects.filter(delivery=newest).order_by("pk").values_list("address", "state"))

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
    address = EmailAddress.objects.get(address=HELLO)
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
