"""Routing writes its decision, and the delivery, from what the database says about the recipient."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from domains.models import Domain
from endpoints.models import Endpoint
from inbound.tests.support.factories import (
    BlockedEmailFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
    ReceivedEmailFactory,
)
from mail.models import Delivery, MailSweep, Message, ReceivedEmail
from mail.routing.record import create_deliveries, route_messages, route_released

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite]


@pytest.fixture
def domain(user: User) -> Domain:
    return DomainFactory(owner=user, name="example.com")


@pytest.fixture
def endpoint(user: User) -> Endpoint:
    return EndpointFactory(owner=user, name="Main")


@pytest.fixture
def arrived(domain: Domain) -> Callable[..., ReceivedEmail]:
    def make(recipient: str = "hello@example.com", **columns: Any) -> ReceivedEmail:
        message = {f"message__{name}": value for name, value in columns.items()}
        return ReceivedEmailFactory(message__domain=domain, recipient=recipient, disposition="received", **message)

    return make


def route(*emails: ReceivedEmail) -> bool:
    with transaction.atomic():
        found = route_messages([email.message_id for email in emails])
    for email in emails:
        email.refresh_from_db()
    return found


def test_an_address_with_an_endpoint_gets_a_delivery_that_is_due(domain, endpoint, arrived) -> None:
    EmailAddressFactory(domain=domain, address="hello@example.com", endpoint=endpoint)
    email = arrived()
    assert route(email)
    assert (email.disposition, email.route) == (
        "routed",
        {"matched": "address", "endpointId": endpoint.pk, "reason": "address"},
    )
    delivery = Delivery.objects.due().get(received=email, endpoint=endpoint)
    assert (delivery.endpoint_name, delivery.payload, delivery.attempts, delivery.leased_until) == (
        "Main",
        "full",
        0,
        None,
    )
    # All pauses are 75 hours together.
    assert timedelta(hours=75) < delivery.expires_at - delivery.created_at < timedelta(hours=96)


def test_the_payload_that_the_endpoint_wants_is_noted(user, domain, arrived) -> None:
    thin = EndpointFactory(owner=user, config={"url": "https://hooks.example.org/", "payload": "thin"})
    EmailAddressFactory(domain=domain, address="hello@example.com", endpoint=thin)
    route(arrived())
    assert Delivery.objects.get().payload == "thin"


def test_twice_is_the_same_as_once(domain, endpoint, arrived) -> None:
    EmailAddressFactory(domain=domain, address="hello@example.com", endpoint=endpoint)
    email = arrived()
    assert route(email)
    assert not route(email)
    assert Delivery.objects.count() == 1


def test_a_label_and_the_catch_all(domain, endpoint, user, arrived) -> None:
    everything = EndpointFactory(owner=user, name="All")
    Domain.objects.filter(pk=domain.pk).update(is_catch_all_enabled=True, catch_all_endpoint=everything)
    EmailAddressFactory(domain=domain, address="hello@example.com", endpoint=endpoint)
    label, other = arrived("hello+x@example.com"), arrived("other@example.com")
    route(label, other)
    assert (label.route["matched"], label.route["endpointId"]) == ("label", endpoint.pk)
    assert (other.route["matched"], other.route["endpointId"]) == ("catch_all", everything.pk)


@pytest.mark.parametrize("recipient", ["hello+x+y@example.com", "hello+@example.com"])
def test_a_label_begins_at_the_first_plus(domain, endpoint, arrived, recipient: str) -> None:
    EmailAddressFactory(domain=domain, address="hello@example.com", endpoint=endpoint)
    email = arrived(recipient)
    route(email)
    assert email.route["matched"] == "label"


def test_an_address_that_begins_with_a_plus_has_no_label(domain, endpoint, arrived) -> None:
    EmailAddressFactory(domain=domain, address="@example.com", endpoint=endpoint)
    email = arrived("+x@example.com")
    route(email)
    assert email.route["reason"] == "no_route"


def test_a_paused_address_is_stored_even_with_a_catch_all(domain, endpoint, arrived) -> None:
    Domain.objects.filter(pk=domain.pk).update(is_catch_all_enabled=True, catch_all_endpoint=endpoint)
    EmailAddressFactory(domain=domain, address="hello@example.com", endpoint=endpoint, is_active=False)
    email = arrived()
    assert not route(email)
    assert (email.disposition, email.route["reason"]) == ("stored", "address_inactive")
    assert not Delivery.objects.exists()


def test_an_inactive_endpoint_gets_a_delivery_that_waits(domain, endpoint, arrived) -> None:
    Endpoint.objects.filter(pk=endpoint.pk).update(is_active=False)
    EmailAddressFactory(domain=domain, address="hello@example.com", endpoint=endpoint)
    assert route(arrived())
    assert Delivery.objects.due().count() == 1


@pytest.mark.parametrize("blocked", ["spam@example.com", "spam+x@example.com"])
def test_a_blocked_recipient_leaves_no_text(domain, endpoint, arrived, blocked: str) -> None:
    Domain.objects.filter(pk=domain.pk).update(is_catch_all_enabled=True, catch_all_endpoint=endpoint)
    BlockedEmailFactory(domain=domain, email_address="spam@example.com")
    email = arrived(blocked, subject="Buy", text="now", html="<b>now</b>", preview="now", headers={"x": "y"})
    assert not route(email)
    assert (email.disposition, email.route["reason"]) == ("blocked", "blocked_recipient")
    message = Message.objects.get(pk=email.message_id)
    assert (message.subject, message.text, message.html, message.preview, message.headers) == ("Buy", "", "", "", {})


def test_the_text_stays_if_another_recipient_is_not_blocked(domain, arrived) -> None:
    BlockedEmailFactory(domain=domain, email_address="spam@example.com")
    email = arrived("spam@example.com", text="now")
    other = ReceivedEmailFactory(
        message=email.message, domain=domain, recipient="b@example.com", disposition="received"
    )
    route(email, other)
    assert (email.disposition, other.disposition) == ("blocked", "stored")
    assert Message.objects.get(pk=email.message_id).text == "now"


def test_a_virus_is_quarantined_and_can_be_released(domain, endpoint, arrived) -> None:
    EmailAddressFactory(domain=domain, address="hello@example.com", endpoint=endpoint)
    email = arrived(virus="FAIL")
    assert not route(email)
    assert (email.disposition, email.route["reason"]) == ("quarantined", "virus")
    with transaction.atomic():
        assert route_released(email).endpoint == endpoint.pk
    email.refresh_from_db()
    assert email.disposition == "routed"
    assert Delivery.objects.due().count() == 1


def test_what_only_a_sweep_has_found_is_history_if_it_is_old(domain, endpoint, arrived, settings) -> None:
    EmailAddressFactory(domain=domain, address="hello@example.com", endpoint=endpoint)
    MailSweep.objects.create(domain=domain, due_at=timezone.now(), deliver_since=timezone.now() - timedelta(days=20))
    old, recent = timezone.now() - timedelta(days=15), timezone.now() - timedelta(days=13)
    too_old, found, notified = (
        arrived(source="sweep", arrived_at=old),
        arrived(source="sweep", arrived_at=recent),
        arrived(source="queue", arrived_at=old),
    )
    route(too_old, found, notified)
    assert [email.disposition for email in (too_old, found, notified)] == ["stored", "routed", "routed"]
    assert too_old.route["reason"] == "history"


def test_mail_from_before_the_first_sweep_of_an_old_domain_is_history(domain, endpoint, arrived) -> None:
    EmailAddressFactory(domain=domain, address="hello@example.com", endpoint=endpoint)
    MailSweep.objects.create(domain=domain, due_at=timezone.now(), deliver_since=timezone.now() - timedelta(hours=1))
    email = arrived(source="sweep", arrived_at=timezone.now() - timedelta(hours=2))
    route(email)
    assert email.route["reason"] == "history"


def test_an_endpoint_that_has_just_been_deleted_leaves_the_mail_stored(domain, arrived) -> None:
    email = arrived()
    with transaction.atomic():
        assert not create_deliveries("gone", [email.pk])


def test_a_domain_that_is_being_deleted_is_not_routed(domain, endpoint, arrived) -> None:
    EmailAddressFactory(domain=domain, address="hello@example.com", endpoint=endpoint)
    email = arrived()
    Domain.objects.filter(pk=domain.pk).update(deleting_since=timezone.now())
    assert not route(email)
    assert email.disposition == "received"


def test_routing_takes_three_statements(domain, endpoint, arrived) -> None:
    EmailAddressFactory(domain=domain, address="hello@example.com", endpoint=endpoint)
    email = arrived()
    with transaction.atomic(), CaptureQueriesContext(connection) as statements:
        route_messages([email.message_id])
    assert len(statements) == 3


@pytest.mark.parametrize("payload", ["everything there is", {"a": 1}, 5, None, "full"])
def test_another_payload_in_a_config_counts_as_the_default(domain, user, arrived, payload) -> None:
    config = {"forwardTo": "x@example.org", "payload": payload}
    forward = EndpointFactory(owner=user, type="email", config=config)
    EmailAddressFactory(domain=domain, address="hello@example.com", endpoint=forward)
    assert route(arrived())
    assert Delivery.objects.get().payload == "full"
