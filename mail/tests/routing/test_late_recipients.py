"""Recipients that become known when their mail has been read already are routed in the same transaction."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from domains.models import Domain
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, EndpointFactory
from mail.arrival.note import note
from mail.models import Delivery, Message, ReceivedEmail
from mail.tests.arrival.arrivals import arrival

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite]

QUEUE, SWEEP = Message.Source.QUEUE, Message.Source.SWEEP


@pytest.fixture
def domain(user: User) -> Domain:
    made: Domain = DomainFactory(owner=user, name="example.com")
    EmailAddressFactory(domain=made, address="b@example.com", endpoint=EndpointFactory(owner=user))
    return made


def read(state: str = Message.State.INGESTED) -> None:
    Message.objects.update(state=state)


def test_a_second_rule_names_a_recipient_of_mail_that_has_been_read(domain: Domain) -> None:
    note([arrival(domain, "one", "a@example.com")], source=QUEUE)
    read()
    note([arrival(domain, "one", "b@example.com")], source=QUEUE)
    assert Delivery.objects.get().received.recipient == "b@example.com"


def test_mail_that_has_not_been_read_waits_for_whoever_reads_it(domain: Domain) -> None:
    note([arrival(domain, "one", "a@example.com")], source=QUEUE)
    note([arrival(domain, "one", "b@example.com")], source=QUEUE)
    assert {email.disposition for email in ReceivedEmail.objects.all()} == {"received"}
    assert not Delivery.objects.exists()


def test_mail_that_the_sweep_knew_no_recipient_of_is_routed_when_it_is_named(domain: Domain) -> None:
    note([arrival(domain, "one", recipients=())], source=SWEEP)
    read()
    ReceivedEmail.objects.update(disposition="stored", route={"reason": "unknown_recipient"})
    note([arrival(domain, "one", "b@example.com")], source=QUEUE)
    assert Delivery.objects.get().received.recipient == "b@example.com"


def test_a_notification_that_is_repeated_delivers_nothing_again(domain: Domain) -> None:
    note([arrival(domain, "one", "b@example.com")], source=QUEUE)
    read()
    note([arrival(domain, "one", "b@example.com")], source=QUEUE)
    delivery = Delivery.objects.get()
    note([arrival(domain, "one", "b@example.com")], source=QUEUE)
    assert Delivery.objects.get() == delivery
