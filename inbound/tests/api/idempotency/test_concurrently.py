"""Real threads on PostgreSQL: SQLite has one writer at a time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.db.models.signals import post_save

from domains.models import Domain
from endpoints.models import Endpoint
from inbound.models import IdempotencyRecord, prune_idempotency_records
from inbound.tests.api.idempotency.requests import (
    age_records,
    assert_replayed,
    assert_running,
    leave_running,
    post,
    send,
)
from inbound.tests.processes.support.stack import wait_for
from inbound.tests.support.database_locks import a_transaction_waits_for_a_lock
from inbound.tests.support.factories import DomainFactory

pytestmark = pytest.mark.postgresql

CLIENTS = 8


def closing(function, *arguments):
    """A thread with a connection of its own, which it closes at the end."""
    try:
        return function(*arguments)
    finally:
        connection.close()


def all_at_once(client_for, user):
    clients = [client_for(user) for _ in range(CLIENTS)]
    start = threading.Barrier(CLIENTS)

    def ask(client):
        start.wait()
        return post(client)

    with ThreadPoolExecutor(CLIENTS) as threads:
        return list(threads.map(lambda client: closing(ask, client), clients))


def assert_one_ran(answers) -> None:
    (first,) = [answer for answer in answers if answer.status_code == 201 and "Idempotency-Replayed" not in answer]
    for answer in answers:
        if answer.status_code == 409:
            assert_running(answer)
        elif answer is not first:
            assert_replayed(answer, first)


@pytest.mark.parametrize("turn", range(5))
def test_one_of_many_concurrent_requests_is_carried_out(client_for, user, turn):
    assert_one_ran(all_at_once(client_for, user))
    assert Endpoint.objects.count() == 1


@pytest.mark.parametrize("turn", range(5))
def test_one_of_many_requests_takes_over_an_abandoned_record(client_for, user, turn):
    leave_running(client_for(user))
    age_records(3600)
    assert_one_ran(all_at_once(client_for, user))
    assert Endpoint.objects.count() == 2


def test_a_second_request_does_not_wait_and_gets_the_answer_later(ses, client_for, user):
    domain = DomainFactory.create(owner=user)
    url, body = f"/api/v2/domains/{domain.pk}", {"isCatchAllEnabled": False}
    claimed = threading.Event()

    def note(**_):
        claimed.set()

    def ask():
        return closing(send, client_for(user), "PUT", url, body)

    post_save.connect(note, sender=IdempotencyRecord)
    try:
        with ThreadPoolExecutor(2) as threads:
            with transaction.atomic():
                Domain.objects.select_for_update().get(pk=domain.pk)
                slow = threads.submit(ask)
                assert claimed.wait(30)
                assert_running(threads.submit(ask).result())
                assert not slow.done()
            first = slow.result()
            assert first.status_code == 200
            assert_replayed(threads.submit(ask).result(), first)
    finally:
        post_save.disconnect(note, sender=IdempotencyRecord)


def test_a_record_that_is_taken_over_while_pruning_is_kept(client_for, user):
    post(client_for(user))
    age_records(48 * 3600)
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            assert IdempotencyRecord.objects.expired().update(started_at=Now(), status=None) == 1
            pruned = threads.submit(lambda: closing(lambda: prune_idempotency_records(seconds=0)))
            wait_for(a_transaction_waits_for_a_lock, within=30, what="the pruning had listed the row and waited for it")
        assert pruned.result() == 0
    assert IdempotencyRecord.objects.count() == 1
