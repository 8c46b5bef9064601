"""Everything that writes to deliveries, at the same time: nothing waits for something else for ever, and nothing is left behind."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models.functions import Now

from domains.models import Domain
from endpoints.models import Endpoint
from endpoints.services import delete_endpoint, switch_off, update_endpoint
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, EndpointFactory
from mail import marks
from mail.arrival.feedback import record_feedback
from mail.arrival.note import note
from mail.delivery import expiry, replay
from mail.delivery.claims import claim
from mail.delivery.finish import finish
from mail.delivery.result import Kind, Result
from mail.erasure.marking import mark
from mail.models import Delivery, DeliveryAttempt, ForwardRecipient, Message, ReceivedEmail
from mail.routing.record import route_messages
from mail.tests.arrival.arrivals import arrival
from mail.tests.delivery.deliveries import DELIVERED, FAILED, GONE
from ses_integration.api import Feedback, FeedbackRecipient, database_now

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

SECONDS = 3.0
BOUNCING = "x@example.org"
RECIPIENTS = [f"{name}@example.com" for name in "abcd"]
RESULTS = [DELIVERED, FAILED, GONE, Result(Kind.POSTPONED, retry_after=0.0)]


def forwarding(owner: User) -> Endpoint:
    made: Endpoint = EndpointFactory(owner=owner, type="email", config={"forwardTo": BOUNCING})
    return made


class Crowd:
    """What people and processes do, each with a random choice of what there is."""

    deleting = threading.Lock()

    def __init__(self, domain: Domain, random: Random) -> None:
        self.domain = domain
        self.random = random
        self.owner: User = domain.owner

    def act(self) -> None:
        asked = (self.ask, self.ask_all, self.send_elsewhere, self.mark, self.switch, self.bounce, self.delete)
        alone = (self.arrive, self.read, *[self.attempt] * 3, *[self.erase] * 2, self.expire, self.forget)
        self.random.choice([*asked, *alone])()

    def some(self, model: Any, most: int = 1) -> list[Any]:
        pks = list(model.objects.values_list("pk", flat=True)[:200])
        rows = model.objects.in_bulk(self.random.sample(pks, min(most, len(pks))))
        return list(rows.values())

    def arrive(self) -> None:
        number = self.random.randrange(40)
        told = [arrival(self.domain, f"mail-{number + more}", *self.random.sample(RECIPIENTS, 2)) for more in range(3)]
        # Three in a ring could wait for each other: this, the deletion of an endpoint, and an erasure. SQS tells of mail again.
        with self.deleting:
            note(told, source=Message.Source.QUEUE)

    def read(self) -> None:
        with transaction.atomic():
            rows = Message.objects.filter(state="arrived").select_for_update(skip_locked=True)
            for pk in list(rows.values_list("pk", flat=True)[:3]):
                Message.objects.filter(pk=pk).update(state="ingested", retry_at=None, ingested_at=Now())
                route_messages([pk])
                break

    def attempt(self) -> None:
        for one in claim(4).deliveries:
            finish(one, self.random.choice(RESULTS))

    def ask(self) -> None:
        for row in self.some(Delivery):
            replay.retry(row, again=True)

    def ask_all(self) -> None:
        for row in self.some(Endpoint):
            replay.redeliver(row)

    def send_elsewhere(self) -> None:
        for email, endpoint in zip(self.some(ReceivedEmail), self.some(Endpoint), strict=False):
            replay.deliver_to(email, endpoint)

    def mark(self) -> None:
        pks = list(ReceivedEmail.objects.values_list("pk", flat=True)[:100])
        marks.mark(self.owner, self.random.sample(pks, min(20, len(pks))), is_read=self.random.random() < 0.5)

    def erase(self) -> None:
        with transaction.atomic():
            rows = Message.objects.filter(state="ingested").select_for_update(skip_locked=True).order_by("?")
            if pks := list(rows.values_list("pk", flat=True)[: self.random.choice([1, 6])]):
                mark(pks)
        Message.objects.filter(state="erasing", retry_at__lt=Now() - timedelta(seconds=0.3)).delete()

    def expire(self) -> None:
        expiry.expire(10)

    def forget(self) -> None:
        expiry.forget_attempts(20)

    def switch(self) -> None:
        for row in self.some(Endpoint):
            switch_off(row.pk, "A test.")
            update_endpoint(endpoint=row, is_active=True)

    def bounce(self) -> None:
        for row in self.some(Delivery):
            try:
                recipient, _ = ForwardRecipient.objects.get_or_create(delivery=row, address=BOUNCING)
            except IntegrityError:
                return
            details = (FeedbackRecipient(BOUNCING, "5.1.1", "No such user."),)
            tags = {"delivery": row.pk, "recipient": str(recipient.pk)}
            record_feedback([Feedback("bounce", True, "1", tags, details, database_now())])

    def delete(self) -> None:
        if self.random.random() < 0.3:
            with self.deleting:
                for row in self.some(Endpoint):
                    delete_endpoint(endpoint=row)
                    made = forwarding(self.owner)
                    self.domain.email_addresses.filter(endpoint=None).update(endpoint=made)


def test_nothing_waits_for_ever_and_nothing_is_left_behind(user: User, settings: Any) -> None:
    settings.DELIVERY_LOG_DAYS = 0
    domain = DomainFactory(owner=user, name="example.com")
    for recipient in RECIPIENTS:
        EmailAddressFactory(domain=domain, address=recipient, endpoint=forwarding(user))
    until = time.monotonic() + SECONDS

    def work(seed: int) -> list[str]:
        crowd, failures = Crowd(domain, Random(seed)), []
        try:
            while time.monotonic() < until:
                try:
                    crowd.act()
                except (replay.CannotDeliver, ObjectDoesNotExist):
                    # Somebody else was faster.
                    pass
                except DatabaseError as error:
                    failures.append(f"{type(error).__name__}: {error}")
        finally:
            connection.close()
        return failures

    with ThreadPoolExecutor(8) as pool:
        assert [failure for result in list(pool.map(work, range(8))) for failure in result] == []
    assert not DeliveryAttempt.objects.exclude(delivery__in=Delivery.objects.all()).exists()
