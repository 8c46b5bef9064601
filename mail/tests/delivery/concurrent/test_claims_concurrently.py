"""Several processes claim, finish, delete and ask again at the same time."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from endpoints.models import Endpoint
from endpoints.services import delete_endpoint
from inbound.tests.processes.support.stack import wait_for
from inbound.tests.support.database_locks import a_transaction_waits_for_a_lock
from mail.delivery import replay
from mail.delivery.claims import claim
from mail.delivery.finish import Outcome, finish
from mail.models import Delivery, DeliveryAttempt, EndpointGate
from mail.tests.delivery.deliveries import DELIVERED, FAILED, claim_one, due, endpoint

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

Value = TypeVar("Value")


def closing(work: Callable[[], Value]) -> Callable[[], Value]:
    def run() -> Value:
        try:
            return work()
        finally:
            connection.close()

    return run


def test_no_delivery_is_claimed_twice_and_each_is_made_once() -> None:
    rows = [row for _ in range(5) for row in due(endpoint(), 30)]
    start = threading.Barrier(6)

    def work() -> list[str]:
        made, after = [], ""
        start.wait(10)
        while Delivery.objects.due().exists():
            claims = claim(5, after=after)
            after = claims.after
            made += [one.pk for one in claims.deliveries if finish(one, DELIVERED) == Outcome.DELIVERED]
        return made

    with ThreadPoolExecutor(6) as pool:
        results = [pool.submit(closing(work)) for _ in range(6)]
        made = Counter(pk for result in results for pk in result.result(60))
    assert made == Counter(row.pk for row in rows)
    assert set(DeliveryAttempt.objects.values_list("number", flat=True)) == {1}


def test_one_endpoint_never_has_more_than_eight_however_many_claim_at_once() -> None:
    due(endpoint(), 100)
    start = threading.Barrier(8)

    def work() -> int:
        start.wait(10)
        return sum(len(claim(16).deliveries) for _ in range(5))

    with ThreadPoolExecutor(8) as pool:
        results = [pool.submit(closing(work)) for _ in range(8)]
        assert sum(result.result(60) for result in results) == 8


def test_a_claim_does_not_wait_for_a_locked_delivery() -> None:
    locked, other = due(endpoint(), 2)
    with transaction.atomic():
        Delivery.objects.select_for_update().get(pk=locked.pk)
        with ThreadPoolExecutor(1) as pool:
            claims = pool.submit(closing(lambda: claim(10))).result(10)
    assert [one.pk for one in claims.deliveries] == [other.pk]


def meanwhile(row: Delivery, act: Callable[[], object]) -> None:
    """Do this while an attempt is being recorded, which holds the delivery."""
    one = claim_one()
    done: list[Outcome] = []
    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            Delivery.objects.select_for_update().get(pk=row.pk)
            acting = pool.submit(closing(act))
            wait_for(a_transaction_waits_for_a_lock, within=10, what="it waits for the delivery")
            ending = pool.submit(closing(lambda: done.append(finish(one, FAILED))))
        acting.result(20)
        ending.result(20)
    assert done[0] in (Outcome.RETRIED, Outcome.LOST)


@pytest.mark.parametrize("has_gate", [False, True])
def test_the_endpoint_may_be_deleted_while_an_attempt_is_recorded(has_gate: bool) -> None:
    to = endpoint()
    (row,) = due(to)
    if has_gate:
        EndpointGate.objects.create(endpoint=to, failures=3)
    meanwhile(row, lambda: delete_endpoint(endpoint=to))
    assert not Endpoint.objects.exists()
    assert not EndpointGate.objects.exists()
    assert not DeliveryAttempt.objects.exists()


def test_two_people_who_ask_at_once_get_one_delivery() -> None:
    (row,) = due(endpoint())
    finish(claim_one(), FAILED)
    start = threading.Barrier(4)

    def ask() -> None:
        start.wait(10)
        replay.retry(row)

    with ThreadPoolExecutor(4) as pool:
        for result in [pool.submit(closing(ask)) for _ in range(4)]:
            result.result(20)
    assert len(claim(10).deliveries) == 1


def statements(act: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        act()
    return [query["sql"].split()[0] for query in queries.captured_queries]


def test_what_a_delivery_costs() -> None:
    due(endpoint(), 8)
    claims: list[object] = []
    assert statements(lambda: claims.append(claim(8))) == ["WITH"]
    one, *_ = claims[0].deliveries  # type: ignore[attr-defined]
    assert statements(lambda: finish(one, DELIVERED)) == ["BEGIN", "UPDATE", "INSERT", "COMMIT"]
    assert statements(lambda: claim(8)) == ["WITH"]
