"""POST /endpoints/{id}/redeliver."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from endpoints.models import Endpoint
from inbound.models import Scope
from inbound.tests.support.factories import DeliveryFactory, EndpointFactory, UserFactory
from mail.models import Delivery
from mail.tests.inbox import received
from rest.fields import timestamp

pytestmark = pytest.mark.sqlite

FAILED = {"status": "failed"}
NO_TIME = "since must be a time in ISO 8601 with a time zone, such as 2026-11-26T10:30:00Z"


@pytest.fixture
def endpoint(user, domain) -> Endpoint:
    """An endpoint with a delivery of each state, and two dead ones."""
    made: Endpoint = EndpointFactory(owner=user)
    for number, state in enumerate(("due", "delivered", "withdrawn", "dead", "dead")):
        email = received(domain, recipient=f"r{number}@example.com")
        DeliveryFactory(
            received=email, endpoint=made, state=state, finished_at=timezone.now() - timedelta(hours=number)
        )
    return made


def redeliver(api, endpoint: Endpoint | str, body: dict[str, Any] | None) -> tuple[int, dict[str, Any]]:
    answer = api.post(f"/api/v2/endpoints/{getattr(endpoint, 'pk', endpoint)}/redeliver", body)
    return answer.status_code, answer.json()


def dead() -> int:
    return Delivery.objects.filter(state="dead").count()


def test_failed_deliveries_of_the_endpoint_are_made_again(api, user, domain, endpoint):
    DeliveryFactory(received=received(domain), state="dead")
    assert redeliver(api, endpoint, FAILED) == (202, {"queued": 2})
    assert redeliver(api, endpoint, FAILED) == (202, {"queued": 0})
    assert dead() == 1


def test_only_what_was_given_up_since_a_time(api, endpoint):
    since = timezone.now() - timedelta(hours=3, minutes=30)
    assert redeliver(api, endpoint, {**FAILED, "since": timestamp(since)}) == (202, {"queued": 1})
    assert dead() == 1


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (None, "Missing required fields"),
        ({}, "Missing required fields"),
        ({"status": "success"}, "status must be 'failed'"),
        ({"status": 1}, "status must be a string"),
        ({**FAILED, "since": "yesterday"}, NO_TIME),
        ({**FAILED, "since": "2026-11-26T10:30:00"}, NO_TIME),
        ({**FAILED, "since": "0001-01-01T00:00:00+14:00"}, NO_TIME),
        ({**FAILED, "since": 7}, "since must be a string"),
    ],
)
def test_errors(api, endpoint, body, error):
    status, answer = redeliver(api, endpoint, body)
    assert (status, answer["error"]) == (400, error)
    assert dead() == 2


def test_another_users_endpoint_is_not_found(api, client_for, endpoint):
    for client, one in ((api, "nothing"), (client_for(UserFactory()), endpoint)):
        assert redeliver(client, one, FAILED) == (404, {"error": "Endpoint not found"})
    assert dead() == 2


def test_an_endpoint_that_is_off_is_refused(api, endpoint):
    Endpoint.objects.update(is_active=False)
    assert redeliver(api, endpoint, FAILED) == (404, {"error": "Endpoint not found or is inactive"})


def test_redelivery_needs_the_scope_to_write(client_for, user, endpoint):
    assert redeliver(client_for(user, Scope.READ, Scope.DELETE), endpoint, FAILED)[0] == 403
    assert redeliver(client_for(user, Scope.WRITE), endpoint, FAILED)[0] == 202
