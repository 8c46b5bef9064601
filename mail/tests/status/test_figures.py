"""Which deliveries the figures count."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from domains.models import Domain
from inbound.tests.support.factories import DeliveryFactory, DomainFactory, EndpointFactory, ReceivedEmailFactory
from mail.models import Delivery, MailCount
from mail.status.figures import mail_status

pytestmark = pytest.mark.sqlite


def deliveries(domain: Domain, dead: int, due: int) -> None:
    """To an endpoint that does not take its mail."""
    to = EndpointFactory(owner=domain.owner, is_active=False, inactive_reason="It answered 410.")
    for state in ["dead"] * dead + ["due"] * due:
        DeliveryFactory(received=ReceivedEmailFactory(message__domain=domain), endpoint=to, state=state)


def numbers(owner: User | None = None) -> tuple[int, int, int]:
    """Dead ones, those of the endpoints that are listed, and those that wait there."""
    status = mail_status(owner, asks_queue=False)
    return status.dead.number, sum(one.dead for one in status.endpoints), status.held


def test_mail_of_domains_that_are_being_or_have_been_deleted_is_left_out(db) -> None:
    live, leaving, gone = DomainFactory.create_batch(3)
    for place, domain in enumerate((live, leaving, gone)):
        deliveries(domain, dead=2 + place, due=1 + place)
    assert numbers() == (9, 9, 6)
    Domain.objects.filter(pk=leaving.pk).update(deleting_since=timezone.now())
    # The mail outlives the row.
    Domain.objects.filter(pk=gone.pk)._raw_delete("default")
    assert set(MailCount.objects.all().without_live_domain()) == {leaving.pk, gone.pk}
    assert numbers() == (2, 2, 1)
    found = mail_status(asks_queue=False)
    assert found.dead.number == Delivery.objects.live().filter(state="dead").count()


def test_an_owner_sees_the_own_ones(db) -> None:
    own, other = DomainFactory(), DomainFactory()
    deliveries(own, dead=2, due=1)
    deliveries(other, dead=3, due=4)
    assert numbers(own.owner) == (2, 2, 1)
    assert numbers(other.owner) == (3, 3, 4)
