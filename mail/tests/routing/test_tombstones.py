"""Mail for a deleted address: the catch-all does not get it while there is a tombstone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from addresses.models import DeletedAddress
from addresses.tombstones.lift import lift
from domains.models import Domain
from endpoints.models import Endpoint
from inbound.tests.support.factories import (
    DeletedAddressFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
    ReceivedEmailFactory,
)
from mail.delivery.replay import release
from mail.models import Delivery, ReceivedEmail
from mail.routing.record import route_messages
from mail.routing.wording import why

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite]

STORED = ("stored", {"matched": None, "endpointId": None, "reason": "address_deleted"})


@pytest.fixture
def everything(user: User) -> Endpoint:
    """The endpoint of the catch-all of example.com."""
    endpoint: Endpoint = EndpointFactory(owner=user, name="All")
    DomainFactory(owner=user, name="example.com", is_catch_all_enabled=True, catch_all_endpoint=endpoint)
    return endpoint


@pytest.fixture
def tombstone(everything: Endpoint) -> DeletedAddress:
    row: DeletedAddress = DeletedAddressFactory(domain=Domain.objects.get(), address="hello@example.com")
    return row


@pytest.fixture
def routed(everything: Endpoint) -> Callable[[str], ReceivedEmail]:
    def route(recipient: str) -> ReceivedEmail:
        email: ReceivedEmail = ReceivedEmailFactory(
            message__domain=Domain.objects.get(), recipient=recipient, disposition="received"
        )
        with transaction.atomic():
            route_messages([email.message_id])
        email.refresh_from_db()
        return email

    return route


@pytest.mark.parametrize("recipient", ["hello@example.com", "hello+x@example.com", "hello+x+y@example.com"])
def test_mail_for_it_with_and_without_a_label_is_stored(tombstone, routed, recipient):
    email = routed(recipient)
    assert (email.disposition, email.route) == STORED
    assert why(email) == "The address was deleted, so the catch-all does not get it."
    assert not Delivery.objects.exists()


def test_mail_for_others_goes_to_the_catch_all(tombstone, everything, routed):
    for recipient in ("other@example.com", "hello.x@example.com", "other+hello@example.com"):
        assert routed(recipient).route["endpointId"] == everything.pk


def test_without_a_catch_all_the_reason_is_the_same(tombstone, routed):
    Domain.objects.update(is_catch_all_enabled=False)
    assert (routed("hello@example.com").disposition, routed("hello@example.com").route) == STORED


def test_an_address_with_a_label_receives_beside_the_tombstone_of_the_one_without(tombstone, user, routed):
    own = EndpointFactory(owner=user)
    EmailAddressFactory(domain=tombstone.domain, address="hello+x@example.com", endpoint=own)
    assert routed("hello+x@example.com").route["endpointId"] == own.pk
    assert routed("hello+y@example.com").route["reason"] == "address_deleted"


def test_mail_for_a_deleted_address_with_a_label_goes_to_the_one_without(everything, user, routed):
    own = EndpointFactory(owner=user)
    domain = Domain.objects.get()
    EmailAddressFactory(domain=domain, address="hello@example.com", endpoint=own)
    DeletedAddressFactory(domain=domain, address="hello+x@example.com")
    assert routed("hello+x@example.com").route == {"matched": "label", "endpointId": own.pk, "reason": "label"}


def test_once_it_is_lifted_the_catch_all_gets_its_mail(tombstone, everything, routed):
    lift(tombstone)
    assert routed("hello@example.com").route["endpointId"] == everything.pk


def test_the_end_of_the_grace_period_changes_nothing(tombstone, routed):
    DeletedAddress.objects.update(restorable_until=tombstone.deleted_at)
    assert routed("hello@example.com").route["reason"] == "address_deleted"


def test_what_is_released_from_quarantine_does_not_reach_the_catch_all(tombstone):
    email = ReceivedEmailFactory(
        message__domain=tombstone.domain, recipient="hello@example.com", disposition="quarantined"
    )
    assert release(email).reason == "address_deleted"
    email.refresh_from_db()
    assert (email.disposition, email.route) == STORED


def test_a_tombstone_costs_no_statement(everything, routed):
    with CaptureQueriesContext(connection) as without:
        routed("other@example.com")
    DeletedAddressFactory(domain=Domain.objects.get(), address="hello@example.com")
    with CaptureQueriesContext(connection) as stored:
        routed("hello@example.com")
    assert len(stored) <= len(without)
