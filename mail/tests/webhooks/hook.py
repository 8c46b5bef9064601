"""An endpoint whose receiver is the emulator, and deliveries to it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from domains.models import Domain
from endpoints.models import Endpoint
from inbound.tests.support.factories import DeliveryFactory
from mail.delivery.claims import ClaimedDelivery, claim
from mail.ingest.columns import columns
from mail.models import Delivery
from mail.parsing.reading.mail import read_mail
from mail.tests.inbox import stored
from mail.tests.webhooks.mails import ARRIVED, INGESTED
from ses_integration.emulator.server import Emulator

RAW = (
    b"From: Jo <jo@example.net>\r\nTo: hello@example.com\r\nSubject: Hello\r\nMessage-ID: <1@example.net>\r\n"
    b"Date: Tue, 10 Nov 2026 07:59:58 +0000\r\n\r\nHi!\r\n"
)


@dataclass(frozen=True)
class Hook:
    aws: Emulator
    endpoint: Endpoint
    domain: Domain

    def deliver(self, raw: bytes = RAW, **delivery: Any) -> ClaimedDelivery:
        """A claimed delivery of a mail with these bytes."""
        times = {"arrived_at": ARRIVED, "ingested_at": INGESTED}
        email = stored(self.domain, raw, envelope_from="jo@example.net", **times, **columns(read_mail(raw), ARRIVED))
        DeliveryFactory(received=email, endpoint=self.endpoint, retry_at=ARRIVED, **delivery)
        return self.claim()

    @staticmethod
    def claim() -> ClaimedDelivery:
        (claimed,) = claim(1).deliveries
        return claimed

    def answers(self, **behaviour: Any) -> None:
        """How the receiver answers from now on."""
        self.aws.behave("main", **behaviour)

    def set(self, **config: Any) -> None:
        """Change the endpoint's config, whatever the services would say."""
        self.endpoint.config |= config
        self.endpoint.save(update_fields=["config"])

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The requests that the receiver has got. Names of headers are in lower case."""
        found = self.aws.hook_requests("main")
        return [{**it, "headers": {name.lower(): value for name, value in it["headers"].items()}} for it in found]

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request["body"]) for request in self.requests]

    @staticmethod
    def delivery(claimed: ClaimedDelivery) -> Delivery:
        return Delivery.objects.get(pk=claimed.pk)
