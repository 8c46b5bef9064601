"""Recipients that become known when their mail has been read already are routed in the same transaction."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now

from addresses.models import BlockedEmail
from domains.models import Domain
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, EndpointFactory
from mail.arrival.note import note
from mail.ingest.claims import claim_due
from mail.models import Delivery, Message, ReceivedEmail
from mail.routing.record import route_messages
from mail.tests.arrival.arrivals import arrival

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite]

QUEUE, SWEEP = Message.Source.QUEUE, Message.Source.SWEEP


@pytest.fixture
def domain(user: User) -> Domain:
    made: Domain = DomainFactory(owner=user, name="example.com")
    EmailAddressFactory(domain=made, address="b@example.com", endpoint=EndpointFactory(owner=user))
    return made


def route(message: Message) -> bool:
    with transaction.atomic():
        return route_messages([message.pk])


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


def test_mail_whose_text_was_not_kept_is_read_again_for_a_recipient_that_is_not_blocked(domain: Domain) -> None:
    BlockedEmail.objects.create(email_address="a@example.com", domain=domain)
    note([arrival(domain, "one", "a@example.com")], source=QUEUE)
    Message.objects.update(state=Message.State.INGESTED, retry_at=None, ingested_at=Now(), text="Hello")
    assert not route(Message.objects.get())
    assert Message.objects.get().text == ""
    note([arrival(domain, "one", "a@example.com")], source=QUEUE)
    assert Message.objects.get().state == "ingested"

    note([arrival(domain, "one", "b@example.com")], source=QUEUE)
    assert not Delivery.objects.exists()
    (claimed,) = claim_due(10)
    assert claimed.pk == Message.objects.get().pk
    Message.objects.update(state=Message.State.INGESTED, retry_at=None, ingested_at=Now(), text="Hello")
    assert route(Message.objects.get())
    assert Delivery.objects.get().received.message.text == "Hello"


def test_mail_that_one_recipient_has_is_not_read_again(domain: Domain) -> None:
    BlockedEmail.objects.create(email_address="a@example.com", domain=domain)
    note([arrival(domain, "one", "a@example.com", "c@example.com")], source=QUEUE)
    Message.objects.update(state=Message.State.INGESTED, retry_at=None, ingested_at=Now(), text="Hello")
    route(Message.objects.get())
    note([arrival(domain, "one", "b@example.com")], source=QUEUE)
    assert Delivery.objects.get().received.message.text == "Hello"
