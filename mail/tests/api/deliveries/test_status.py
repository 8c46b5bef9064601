"""What GET /mail and GET /mail/{id} say about what has become of an email."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from endpoints.deliveries import STATUSES
from inbound.tests.support.factories import DeliveryFactory
from mail.models import Delivery, ReceivedEmail
from mail.status import outcome
from mail.tests.inbox import URL, received
from rest.fields import timestamp

pytestmark = pytest.mark.sqlite

ROUTE = {"matched": "address", "endpointId": "x", "reason": "address"}


def found(api, outcome: str) -> list[str]:
    answer = api.get(URL, {"outcome": outcome}).json()
    assert answer["pagination"]["total"] == len(answer["emails"])
    return [row["id"] for row in answer["emails"]]


def shown(api, email: ReceivedEmail) -> str:
    """The status, which list and detail agree on."""
    (listed,) = (row for row in api.get(URL).json()["emails"] if row["id"] == email.pk)
    one = api.get(f"{URL}/{email.pk}").json()
    assert (one["status"], one["route"]) == (listed["status"], listed["route"])
    assert [each for each in outcome.OUTCOMES if email.pk in found(api, each)] == [one["status"]]
    return str(one["status"])


@pytest.mark.parametrize(
    ("disposition", "word"),
    [("received", "received"), ("stored", "stored"), ("blocked", "blocked"), ("quarantined", "quarantined"), ("routed", "stored")],
)  # fmt: skip
def test_an_email_without_a_delivery_has_the_status_of_its_routing(api, domain, disposition, word):
    email = received(domain)
    ReceivedEmail.objects.update(disposition=disposition, route=ROUTE)
    assert shown(api, email) == word


@pytest.mark.parametrize(
    ("state", "word"),
    [("due", "processing"), ("delivered", "forwarded"), ("dead", "failed"), ("withdrawn", "stored")],
)
def test_an_email_with_a_delivery_has_the_status_of_the_newest(api, domain, state, word):
    email = received(domain)
    now = timezone.now()
    DeliveryFactory(received=email, state="delivered", created_at=now - timedelta(hours=1))
    DeliveryFactory(received=email, state=state, created_at=now)
    DeliveryFactory(received=received(domain, recipient="other@example.com"), state="dead")
    assert shown(api, email) == word


def test_an_older_delivery_that_is_dead_does_not_count(api, domain):
    email, now = received(domain), timezone.now()
    DeliveryFactory(received=email, state="dead", created_at=now - timedelta(hours=1))
    DeliveryFactory(received=email, state="delivered", created_at=now)
    assert shown(api, email) == "forwarded"
    DeliveryFactory(received=email, state="dead", created_at=now + timedelta(hours=1))
    assert shown(api, email) == "failed"


def test_an_email_says_where_it_was_routed(api, domain):
    email = received(domain)
    assert api.get(f"{URL}/{email.pk}").json()["route"] is None
    ReceivedEmail.objects.update(route=ROUTE)
    assert api.get(f"{URL}/{email.pk}").json()["route"] == ROUTE
    assert api.get(URL).json()["emails"][0]["route"] == ROUTE


def test_an_email_counts_its_deliveries(api, domain):
    email = received(domain)
    last = timezone.now()
    for state in ("due", "delivered", "dead", "withdrawn"):
        DeliveryFactory(received=email, state=state, last_attempt_at=last if state == "dead" else None)
    assert api.get(f"{URL}/{email.pk}").json()["deliveries"] == {
        "total": 4,
        "successful": 1,
        "failed": 2,
        "lastDelivery": timestamp(last),
    }


@pytest.mark.sqlite_only
def test_every_state_has_a_word():
    assert {*STATUSES} == {*Delivery.State.values} == {*outcome._OF_EMAIL}


@pytest.mark.parametrize("outcome", ["delivered", "FAILED", "processed"])
def test_an_outcome_that_does_not_exist_is_refused(api, domain, outcome):
    answer = api.get(URL, {"outcome": outcome})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("outcome must be one of: processing, forwarded, failed, stored, ")
