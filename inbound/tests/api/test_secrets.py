"""A key that may only read sees no secret in any answer."""

from __future__ import annotations

import pytest

from addresses.models import EmailAddress
from endpoints.services import create_endpoint
from inbound.models import Scope
from inbound.tests.api.routes import ROUTES, allows, path_of
from inbound.tests.support.factories import DeliveryFactory, DomainFactory, EmailAddressFactory
from mail.models import DeliveryAttempt
from mail.tests.inbox import ATTACHMENTS, RAW, stored

SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRETS = ("MfKQ9r8G", "in-a-header", "in-the-query", "unknown-key")
CONFIG = {
    "url": "https://hooks.example.org/services/x?token=in-the-query",
    "secret": SIGNING,
    "headers": {"Authorization": "Bearer in-a-header", "X-Own": "in-a-header"},
    "password": "unknown-key",
}


@pytest.fixture
def rows(user, ses):
    """One row of each kind that leads to the endpoint. Its id is the first part of its path."""
    endpoint = create_endpoint(owner=user, name="Hook", endpoint_type="webhook", config=CONFIG)
    domain = DomainFactory(
        pk="domains", owner=user, name="example.com", is_catch_all_enabled=True, catch_all_endpoint=endpoint
    )
    EmailAddressFactory(pk="email-addresses", domain=domain, endpoint=endpoint)
    for pk in ("mail", "attachments"):
        email = stored(domain, RAW, pk=pk, attachments=ATTACHMENTS)
        delivery = DeliveryFactory(received=email, endpoint=endpoint, state="dead")
        DeliveryAttempt.objects.create(delivery=delivery, number=1, error="refused")
    return endpoint.pk


def answers(client, endpoint: str) -> dict[str, str]:
    found = {}
    for route in ROUTES:
        if allows(route, "get"):
            answer = client.get(path_of(route, endpoint if route.startswith("endpoints/") else ""))
            found[route] = "" if answer.streaming else answer.content.decode()
            answer.close()
    return found


def test_a_key_that_may_only_read_sees_no_secret(client_for, user, rows):
    shown = answers(client_for(user, Scope.READ), rows)
    assert {route: [it for it in SECRETS if it in text] for route, text in shown.items()} == {
        route: [] for route in shown
    }


def test_a_key_that_may_write_sees_them_where_endpoints_are(client_for, user, rows):
    """Otherwise the test above would prove nothing."""
    shown = answers(client_for(user, Scope.READ, Scope.WRITE), rows)
    assert {route for route, text in shown.items() if any(it in text for it in SECRETS)} == {
        "endpoints",
        "endpoints/<str:pk>",
    }
    assert EmailAddress.objects.get().endpoint_id in shown["email-addresses"]
