"""Several processes note the same mail, or one whose domain is being deleted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from domains.models import Domain, lock_live_domain
from inbound.tests.processes.support.stack import wait_for
from inbound.tests.support.database_locks import a_transaction_waits_for_a_lock
from inbound.tests.support.factories import DomainFactory
from mail.arrival.note import Noted, note
from mail.models import Message
from mail.tests.arrival.arrivals import arrival, listed

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

QUEUE = Message.Source.QUEUE
CLAIM = timedelta(seconds=60)


@pytest.fixture
def domain(user: User) -> Domain:
    return DomainFactory(owner=user, name="example.com")


def closing(work: Callable[[], Noted]) -> Callable[[], Noted]:
    def run() -> Noted:
        try:
            return work()
        finally:
            connection.close()

    return run


def test_the_same_notification_in_eight_threads_is_one_mail_and_claimed_once(domain: Domain) -> None:
    start = threading.Barrier(8)
    batches = [
        [arrival(domain, f"id{number}", f"{local}@example.com") for number in order]
        for local in "ab"
        for order in (range(10), range(9, -1, -1), range(5), range(5, 10))
    ]

    def work(number: int) -> Noted:
        start.wait(10)
        return note(batches[number], source=QUEUE, claim=CLAIM)

    with ThreadPoolExecutor(8) as pool:
        results = [pool.submit(closing(partial(work, number))) for number in range(8)]
        claimed = [row.pk for result in results for row in result.result().claimed]
    assert sorted(claimed) == sorted(Message.objects.values_list("pk", flat=True))
    assert Message.objects.count() == 10
    assert listed() == {(f"id{number}", f"{local}@example.com") for number in range(10) for local in "ab"}


def test_a_deletion_waits_for_a_batch_and_sees_its_rows(domain: Domain) -> None:
    """And two batches do not wait for each other."""
    seen: list[int] = []

    def delete() -> None:
        try:
            with transaction.atomic():
                row = lock_live_domain(domain.pk)
                seen.append(Message.objects.count())
                row.deleting_since = timezone.now()
                row.save(update_fields=["deleting_since"])
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM domains_domain WHERE id = %s FOR SHARE", [domain.pk])
            assert pool.submit(closing(lambda: note([arrival(domain)], source=QUEUE))).result(10).messages
            deleting = pool.submit(delete)
            wait_for(a_transaction_waits_for_a_lock, within=10, what="the deletion waits for the batch")
        deleting.result(10)
    assert seen == [1]
    assert note([arrival(domain, "two")], source=QUEUE).messages == []


def test_a_batch_waits_for_the_beginning_of_a_deletion_and_writes_nothing(domain: Domain) -> None:
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            row = lock_live_domain(domain.pk)
            noting = pool.submit(closing(lambda: note([arrival(domain)], source=QUEUE)))
            wait_for(a_transaction_waits_for_a_lock, within=10, what="the batch waits for the deletion")
            row.deleting_since = timezone.now()
            row.save(update_fields=["deleting_since"])
        assert noting.result(10).messages == []
    assert not Message.objects.exists()


def test_a_recipient_is_not_added_while_the_erasure_of_its_mail_begins(domain: Domain) -> None:
    note([arrival(domain, "one", "a@example.com")], source=QUEUE)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Message.objects.update(state=Message.State.ERASING)
            noting = pool.submit(closing(lambda: note([arrival(domain, "one", "b@example.com")], source=QUEUE)))
            wait_for(a_transaction_waits_for_a_lock, within=10, what="the batch waits for the erasure")
        assert noting.result(10).dropped == {"mail that is being erased": 1}
    assert listed() == {("one", "a@example.com")}
