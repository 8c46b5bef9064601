"""POST /mail/{id}/retry."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from endpoints.models import Endpoint
from inbound.models import Scope
from inbound.tests.support.factories import DeliveryFactory, EmailAddressFactory, EndpointFactory, UserFactory
from mail.models import Delivery, ReceivedEmail
from mail.tests.inbox import URL, received

pytestmark = pytest.mark.sqlite


@pytest.fixture
def endpoint(user) -> Endpoint:
    return EndpointFactory(owner=user)


@pytest.fixture
def delivery(domain, endpoint) -> Delivery:
    made: Delivery = DeliveryFactory(
        received=received(domain), endpoint=endpoint, state="dead", attempts=3, retry_at=None
    )
    return made


def retry(api, email: ReceivedEmail | str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    answer = api.post(f"{URL}/{getattr(email, 'pk', email)}/retry", body)
    return answer.status_code, answer.json()


def queued(message: str, delivery: Delivery) -> tuple[int, dict[str, Any]]:
    return 200, {"success": True, "message": message, "delivery_id": delivery.pk}


def is_due(delivery: Delivery) -> bool:
    delivery.refresh_from_db()
    return delivery.state == "due" and delivery.retry_at is not None and delivery.retry_at <= timezone.now()


@pytest.mark.parametrize("prefix", ["", "msg_"])
def test_a_dead_delivery_is_made_again_by_its_id_or_that_of_its_webhook(api, delivery, prefix):
    body = {"delivery_id": f"{prefix}{delivery.pk}"}
    assert retry(api, delivery.received, body) == queued("Delivery queued", delivery)
    assert is_due(delivery)
    assert api.get(f"{URL}/{delivery.received_id}").json()["status"] == "processing"


@pytest.mark.parametrize("body", [None, {}, {"delivery_id": None, "endpoint_id": ""}])
def test_without_an_id_the_newest_delivery_is_made_again(api, delivery, body):
    newest = DeliveryFactory(received=delivery.received, state="dead")
    Delivery.objects.filter(pk=delivery.pk).update(created_at=timezone.now() - timedelta(hours=1))
    assert retry(api, delivery.received, body) == queued("Delivery queued", newest)
    assert (is_due(newest), is_due(delivery)) == (True, False)


def test_a_delivery_that_succeeded_is_made_again_only_on_request(api, delivery):
    Delivery.objects.update(state="delivered")
    error = {"error": 'Delivery already succeeded. Send "again": true to deliver it again.'}
    assert retry(api, delivery.received, {"delivery_id": delivery.pk}) == (400, error)
    assert retry(api, delivery.received, {"delivery_id": delivery.pk, "again": True}) == queued(
        "Delivery queued", delivery
    )
    assert is_due(delivery)


def test_a_delivery_that_is_being_made_is_in_progress(api, delivery):
    Delivery.objects.update(state="due", leased_until=timezone.now() + timedelta(minutes=1))
    assert retry(api, delivery.received) == (400, {"error": "Delivery is already in progress"})


def test_an_email_is_delivered_to_another_endpoint(api, user, delivery):
    other = EndpointFactory(owner=user)
    status, answer = retry(api, delivery.received, {"endpoint_id": other.pk})
    made = Delivery.objects.get(endpoint=other)
    assert (status, answer) == queued("Delivery to the endpoint queued", made)
    assert (made.received_id, made.state) == (delivery.received_id, "due")
    assert not is_due(delivery)


@pytest.mark.parametrize("of", ["nobody", "another user", "me, and off"])
def test_an_endpoint_that_cannot_be_used_is_not_found(api, user, delivery, of):
    other = EndpointFactory(owner=user if of.startswith("me") else UserFactory(), is_active=False)
    pk = "nothing" if of == "nobody" else other.pk
    assert retry(api, delivery.received, {"endpoint_id": pk}) == (404, {"error": "Endpoint not found or is inactive"})
    assert Delivery.objects.count() == 1


def test_a_delivery_to_an_endpoint_that_is_off_is_refused(api, delivery):
    Endpoint.objects.update(is_active=False)
    assert retry(api, delivery.received) == (404, {"error": "Endpoint not found or is inactive"})


def test_a_delivery_of_another_email_is_not_found(api, domain, delivery):
    other = received(domain, recipient="other@example.com")
    error = {"error": "Delivery not found for this email"}
    for body in ({"delivery_id": delivery.pk}, {"delivery_id": "nothing"}):
        assert retry(api, other, body) == (404, error)
    assert not is_due(delivery)


def test_an_email_without_deliveries_says_what_to_send(api, domain):
    error = 'Email has no delivery to make again. Send "endpoint_id" to deliver it to an endpoint.'
    email = received(domain, recipient="other@example.com")
    for body in ({}, {"again": True}):
        assert retry(api, email, body) == (404, {"error": error})


def test_a_quarantined_email_is_released(api, domain, endpoint):
    email = received(domain, virus="FAIL")
    ReceivedEmail.objects.update(disposition="quarantined")
    EmailAddressFactory(domain=domain, address=email.recipient, endpoint=endpoint)
    status, answer = retry(api, email, {"release": True})
    assert (status, answer) == queued("Email released from quarantine", Delivery.objects.get())
    assert api.get(f"{URL}/{email.pk}").json()["status"] == "processing"
    assert retry(api, email, {"release": True}) == (400, {"error": "Email is not quarantined"})


def test_a_released_email_without_a_route_is_stored(api, domain):
    email = received(domain)
    ReceivedEmail.objects.update(disposition="quarantined")
    assert retry(api, email, {"release": True}) == (200, {"success": True, "message": "Email released from quarantine"})
    assert api.get(f"{URL}/{email.pk}").json()["status"] == "stored"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"delivery_id": "a", "endpoint_id": "b"}, "Choose either delivery_id or endpoint_id, not both"),
        ({"delivery_id": "a", "release": True}, "release cannot be combined with delivery_id or endpoint_id"),
        ({"endpoint_id": "a", "release": True}, "release cannot be combined with delivery_id or endpoint_id"),
        ({"delivery_id": 1}, "delivery_id must be a string"),
        ({"again": "yes"}, "again must be a boolean"),
    ],
)
def test_errors(api, delivery, body, error):
    assert retry(api, delivery.received, body) == (400, {"error": error})
    assert not is_due(delivery)


def test_an_unknown_email_and_another_users_are_not_found(api, client_for, delivery):
    stranger = client_for(UserFactory())
    for client, pk in ((api, "nothing"), (stranger, delivery.received_id)):
        assert retry(client, pk, {"delivery_id": delivery.pk}) == (404, {"error": "Email not found"})
    assert not is_due(delivery)


def test_a_retry_needs_the_scope_to_write(client_for, user, delivery):
    assert retry(client_for(user, Scope.READ, Scope.DELETE), delivery.received)[0] == 403
    assert retry(client_for(user, Scope.WRITE), delivery.received)[0] == 200
