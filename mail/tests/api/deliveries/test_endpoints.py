"""What /endpoints says of deliveries, and what becomes of them when an endpoint is deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from domains.models import Domain
from endpoints import services
from endpoints.models import Endpoint
from inbound.tests.support.factories import DeliveryFactory, EndpointFactory
from mail.models import Delivery, DeliveryAttempt, EndpointGate, ForwardRecipient, ReceivedEmail
from mail.tests.inbox import received
from rest.fields import timestamp

pytestmark = pytest.mark.sqlite

ENDPOINTS = "/api/v2/endpoints"


@pytest.fixture
def endpoint(user) -> Endpoint:
    return EndpointFactory(owner=user)


def delivered(domain, endpoint: Endpoint, **columns: Any) -> Delivery:
    email = received(domain, recipient=f"r{ReceivedEmail.objects.count()}@example.com")
    made: Delivery = DeliveryFactory(received=email, endpoint=endpoint, **columns)
    DeliveryAttempt.objects.create(delivery=made, number=1)
    ForwardRecipient.objects.create(delivery=made, address="a@x.org")
    return made


def test_endpoints_have_the_numbers_of_their_deliveries(api, domain, user, endpoint):
    last = timezone.now()
    for state in ("due", "delivered", "delivered", "dead", "withdrawn"):
        delivered(domain, endpoint, state=state, last_attempt_at=last - timedelta(minutes=5))
    delivered(domain, endpoint, last_attempt_at=last)
    other, unused = EndpointFactory(owner=user), EndpointFactory(owner=user)
    delivered(domain, other)
    nothing = {"total": 0, "successful": 0, "failed": 0, "lastDelivery": None}
    expected = {
        endpoint.pk: {"total": 6, "successful": 2, "failed": 2, "lastDelivery": timestamp(last)},
        other.pk: nothing | {"total": 1},
        unused.pk: nothing,
    }
    assert {row["id"]: row["deliveryStats"] for row in api.get(ENDPOINTS).json()["data"]} == expected
    for pk, stats in expected.items():
        assert api.get(f"{ENDPOINTS}/{pk}").json()["deliveryStats"] == stats


def test_an_endpoint_has_its_ten_newest_deliveries(api, domain, endpoint):
    now = timezone.now()
    rows = [delivered(domain, endpoint, created_at=now - timedelta(seconds=age)) for age in range(12)]
    Delivery.objects.filter(pk=rows[0].pk).update(
        state="delivered", attempts=1, last_attempt_at=now, response={"responseCode": 204}
    )
    recent = api.get(f"{ENDPOINTS}/{endpoint.pk}").json()["recentDeliveries"]
    assert [row["id"] for row in recent] == [row.pk for row in rows[:10]]
    assert recent[0] == {
        "id": rows[0].pk,
        "emailId": rows[0].received_id,
        "deliveryType": "webhook",
        "status": "success",
        "attempts": 1,
        "lastAttemptAt": timestamp(now),
        "responseData": {"responseCode": 204},
        "createdAt": timestamp(now),
    }
    assert api.get(f"/api/v2/mail/{recent[0]['emailId']}").status_code == 200


def test_deleting_an_endpoint_deletes_and_counts_its_deliveries_and_keeps_the_mail(api, domain, user, endpoint):
    for _ in range(3):
        delivered(domain, endpoint)
    EndpointGate.objects.create(endpoint=endpoint)
    kept = delivered(domain, EndpointFactory(owner=user))
    answer = api.delete(f"{ENDPOINTS}/{endpoint.pk}").json()
    assert answer["cleanup"]["deliveriesDeleted"] == 3
    assert [*Delivery.objects.all()] == [kept]
    for model in (DeliveryAttempt, ForwardRecipient):
        assert [row.delivery_id for row in model.objects.all()] == [kept.pk]
    assert not EndpointGate.objects.exists()
    assert ReceivedEmail.objects.count() == 4


def test_many_deliveries_are_deleted_in_several_transactions(api, domain, endpoint, monkeypatch):
    monkeypatch.setattr(services, "AT_ONCE", 2)
    for _ in range(5):
        delivered(domain, endpoint)
    assert api.delete(f"{ENDPOINTS}/{endpoint.pk}").json()["cleanup"]["deliveriesDeleted"] == 5
    assert [model.objects.count() for model in (Delivery, DeliveryAttempt, ForwardRecipient)] == [0, 0, 0]


@pytest.mark.parametrize(
    "delete",
    [
        lambda endpoint: endpoint.delete(),
        lambda endpoint: Endpoint.objects.filter(pk=endpoint.pk).delete(),
        lambda endpoint: endpoint.owner.endpoints.all().delete(),
    ],
    ids=["row", "queryset", "all of the owner"],
)
def test_every_other_deletion_of_an_endpoint_deletes_its_deliveries_without_loading_them(domain, endpoint, delete):
    delivered(domain, endpoint)
    EndpointGate.objects.create(endpoint=endpoint)
    with CaptureQueriesContext(connection) as captured:
        delete(endpoint)
    assert not [query for query in captured if query["sql"].startswith('SELECT "mail_delivery"."id",')]
    assert [model.objects.count() for model in (Endpoint, Delivery, DeliveryAttempt, ForwardRecipient)] == [0, 0, 0, 0]


def test_deleting_the_owner_deletes_the_endpoints_with_their_deliveries(domain, endpoint, user):
    """The mail waits for the mail worker, like that of every domain whose row is gone."""
    delivered(domain, endpoint)
    Domain.objects.all().delete()
    user.delete()
    assert (Endpoint.objects.count(), Delivery.objects.count(), ReceivedEmail.objects.count()) == (0, 0, 1)
