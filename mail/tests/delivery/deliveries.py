"""Deliveries for tests, and the passing of time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import F
from django.db.models.functions import Now

from endpoints.models import Endpoint
from inbound.tests.support.factories import DeliveryFactory, DomainFactory, EndpointFactory, ReceivedEmailFactory
from mail.delivery.claims import ClaimedDelivery, claim
from mail.delivery.result import Kind, Result
from mail.models import Delivery, EndpointGate
from ses_integration.api import database_now

DELIVERED = Result(Kind.DELIVERED, {"responseCode": 200, "responseBody": "ok"}, 200, excerpt="ok", seconds=0.1)
FAILED = Result(Kind.FAILED, {"responseCode": 500, "responseBody": "oh"}, 500, "It answered 500.", "oh", 0.1)
GONE = Result(Kind.GONE, {"responseCode": 410}, 410, "It answered 410.", seconds=0.1)


def endpoint(**config: Any) -> Endpoint:
    row: Endpoint = EndpointFactory(config={"url": "https://hooks.example.org/mail", **config})
    return row


def due(to: Endpoint, number: int = 1) -> list[Delivery]:
    """Deliveries to an endpoint that are due now, the oldest first."""
    domain = DomainFactory(owner=to.owner)
    rows: list[Delivery] = []
    for place in range(number):
        email = ReceivedEmailFactory(message__domain=domain, disposition="routed")
        rows.append(DeliveryFactory(received=email, endpoint=to))
        Delivery.objects.filter(pk=rows[-1].pk).update(retry_at=Now() - timedelta(seconds=1000 - place))
    return rows


def claim_one(**options: Any) -> ClaimedDelivery:
    (claimed,) = claim(1, **options).deliveries
    return claimed


def claimed_of(most: int = 100, **options: Any) -> list[str]:
    """The endpoints of what a claim takes, in order."""
    return [one.endpoint_id for one in claim(most, **options).deliveries]


def pass_time(seconds: float) -> None:
    """Let as much time pass for every delivery, every gate and every endpoint."""
    passed = timedelta(seconds=seconds)
    columns = ("retry_at", "leased_until", "expires_at", "last_attempt_at", "finished_at", "created_at")
    Delivery.objects.update(**{name: F(name) - passed for name in columns})
    EndpointGate.objects.update(not_before=F("not_before") - passed)
    Endpoint.objects.update(updated_at=F("updated_at") - passed)


def seconds_until(row: Delivery | EndpointGate, name: str) -> float:
    """How long until a time of a row, by the clock that wrote it."""
    row.refresh_from_db()
    moment = getattr(row, name)
    assert moment is not None
    return float((moment - database_now()).total_seconds())
