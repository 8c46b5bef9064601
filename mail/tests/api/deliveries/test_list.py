"""GET /mail/{id}/deliveries and GET /endpoints/{id}/deliveries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from domains.models import Domain
from endpoints.models import Endpoint
from inbound.models import Scope
from inbound.tests.support.factories import DeliveryFactory, EndpointFactory, UserFactory
from mail.models import Delivery, DeliveryAttempt, EndpointGate, ForwardRecipient
from mail.tests.inbox import URL, received
from rest.fields import timestamp

pytestmark = pytest.mark.sqlite


@pytest.fixture
def endpoint(user) -> Endpoint:
    return EndpointFactory(owner=user)


def of_email(api, delivery: Delivery) -> dict[str, Any]:
    return dict(api.get(f"{URL}/{delivery.received_id}/deliveries").json())


def of_endpoint(api, endpoint: Endpoint, query: str = "") -> dict[str, Any]:
    return dict(api.get(f"/api/v2/endpoints/{endpoint.pk}/deliveries?{query}").json())


def test_a_webhook_delivery_has_every_field_of_the_contract(api, domain, endpoint):
    now = timezone.now()
    response = {
        "responseCode": 500,
        "responseBody": "no",
        "deliveryTime": 12,
        "error": None,
        "url": "https://x.example",
    }
    delivery = DeliveryFactory(
        received=received(domain), endpoint=endpoint, attempts=2, last_attempt_at=now, response=response,
        retry_at=now + timedelta(minutes=5), problem="It answered 500.",
    )  # fmt: skip
    for number in (2, 1):
        DeliveryAttempt.objects.create(
            delivery=delivery, number=number, at=now, seconds=0.0124, status_code=500, error="no", excerpt="no"
        )
    expected = {
        "data": [
            {
                "id": delivery.pk,
                "emailId": delivery.received_id,
                "endpointId": endpoint.pk,
                "deliveryType": "webhook",
                "status": "pending",
                "attempts": 2,
                "lastAttemptAt": timestamp(now),
                "responseData": response,
                "createdAt": timestamp(delivery.created_at),
                "problem": "It answered 500.",
                "nextAttemptAt": timestamp(now + timedelta(minutes=5)),
                "attemptLog": [
                    {"number": number, "at": timestamp(now), "duration": 12, "responseCode": 500, "error": "no"}
                    for number in (1, 2)
                ],
                "recipients": [],
            }
        ],
        "pagination": {"total": 1, "limit": 50, "offset": 0, "hasMore": False},
    }
    assert of_email(api, delivery) == of_endpoint(api, endpoint) == expected


def test_a_forward_has_its_recipients(api, domain, user):
    group = EndpointFactory(owner=user, type="email_group", config={"emails": ["a@x.org", "b@x.org"]})
    delivery = DeliveryFactory(received=received(domain), endpoint=group, state="delivered")
    ForwardRecipient.objects.create(delivery=delivery, address="a@x.org", state="sent", ses_message_id="0100")
    ForwardRecipient.objects.create(delivery=delivery, address="b@x.org", state="bounced", error="550 Unknown user")
    (shown,) = of_email(api, delivery)["data"]
    assert (shown["deliveryType"], shown["status"]) == ("email_forward", "success")
    assert (shown["nextAttemptAt"], shown["lastAttemptAt"], shown["responseData"]) == (None, None, None)
    assert shown["recipients"] == [
        {"address": "a@x.org", "status": "sent", "sesMessageId": "0100", "error": None},
        {"address": "b@x.org", "status": "bounced", "sesMessageId": None, "error": "550 Unknown user"},
    ]


def test_the_next_attempt_waits_for_the_gate_and_for_an_endpoint_that_is_off(api, domain, endpoint):
    delivery = DeliveryFactory(received=received(domain), endpoint=endpoint)
    later = timezone.now() + timedelta(hours=1)
    (due,) = of_email(api, delivery)["data"]
    assert timestamp(delivery.retry_at) <= due["nextAttemptAt"] <= timestamp(timezone.now())
    EndpointGate.objects.create(endpoint=endpoint, not_before=later)
    assert of_email(api, delivery)["data"][0]["nextAttemptAt"] == timestamp(later)
    Endpoint.objects.update(is_active=False)
    assert of_email(api, delivery)["data"][0]["nextAttemptAt"] is None


@pytest.mark.parametrize(
    ("query", "states"),
    [
        ("status=pending", ["due"]),
        ("status=success", ["delivered"]),
        ("status=failed", ["withdrawn", "dead"]),
        ("status=", ["withdrawn", "dead", "delivered", "due"]),
        ("", ["withdrawn", "dead", "delivered", "due"]),
        ("limit=1&offset=1", ["dead"]),
        ("limit=2&offset=2", ["delivered", "due"]),
        ("limit=2&offset=3", ["due"]),
        ("offset=4", []),
    ],
)
def test_an_endpoints_deliveries_are_listed_newest_first_by_status_and_page(api, domain, endpoint, query, states):
    now = timezone.now()
    for age, state in enumerate(reversed(["withdrawn", "dead", "delivered", "due"])):
        email = received(domain, recipient=f"{state}@example.com")
        made = DeliveryFactory(received=email, endpoint=endpoint, state=state, created_at=now + timedelta(seconds=age))
        DeliveryFactory(received=made.received)
    shown = of_endpoint(api, endpoint, query)
    by_pk = dict(Delivery.objects.values_list("pk", "state"))
    assert [by_pk[row["id"]] for row in shown["data"]] == states
    assert shown["pagination"]["total"] == (4 if query in ("", "status=") or "offset" in query else len(states))


def test_an_unknown_page_is_refused(api, endpoint):
    answer = api.get(f"/api/v2/endpoints/{endpoint.pk}/deliveries?limit=0")
    assert (answer.status_code, answer.json()) == (400, {"error": "Limit must be between 1 and 100"})


def test_deliveries_of_a_domain_that_is_being_deleted_are_gone_at_once(api, domain, endpoint):
    delivery = DeliveryFactory(received=received(domain), endpoint=endpoint)
    Domain.objects.update(deleting_since=timezone.now())
    assert of_endpoint(api, endpoint)["pagination"]["total"] == 0
    assert api.get(f"/api/v2/endpoints/{endpoint.pk}").json()["recentDeliveries"] == []
    assert of_email(api, delivery) == {"error": "Email not found"}


def test_another_users_deliveries_are_not_found(client_for, domain, endpoint):
    delivery = DeliveryFactory(received=received(domain), endpoint=endpoint)
    stranger = client_for(UserFactory())
    for path, error in (
        (f"{URL}/{delivery.received_id}/deliveries", "Email not found"),
        (f"/api/v2/endpoints/{endpoint.pk}/deliveries", "Endpoint not found"),
    ):
        answer = stranger.get(path)
        assert (answer.status_code, answer.json()) == (404, {"error": error})


def test_lists_need_the_scope_to_read(client_for, user, domain, endpoint):
    delivery = DeliveryFactory(received=received(domain), endpoint=endpoint)
    for path in (f"{URL}/{delivery.received_id}/deliveries", f"/api/v2/endpoints/{endpoint.pk}/deliveries"):
        assert client_for(user, Scope.WRITE, Scope.DELETE).get(path).status_code == 403
        assert client_for(user, Scope.READ).get(path).status_code == 200


@pytest.mark.parametrize("size", [1, 12])
def test_statements_do_not_grow_with_the_list(api, domain, endpoint, django_assert_num_queries, size):
    for number in range(size):
        email = received(domain, recipient=f"r{number}@example.com")
        delivery = DeliveryFactory(received=email, endpoint=endpoint)
        DeliveryAttempt.objects.create(delivery=delivery, number=1)
    api.get(URL)  # records the use of the key
    # key with its owner, endpoint, count, page, attempts, recipients
    with django_assert_num_queries(6):
        assert len(of_endpoint(api, endpoint)["data"]) == size
