"""What senders do when the database is away, when an attempt has a bug, and when the worker is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from inbound.tests.processes.support.stack import wait_for
from inbound.tests.support.factories import DeliveryFactory
from mail.delivery.claims import ClaimedDelivery
from mail.delivery.result import Kind, Result
from mail.models import Delivery, DeliveryAttempt
from mail.tests.delivery.deliveries import DELIVERED
from mail.tests.worker.deliveries.hooks import running, senders_left
from mail.worker.worker import MailWorker

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def without_source(settings) -> None:
    settings.MAIL_SOURCE = "none"


def worker_with(attempt: Callable[[ClaimedDelivery], Result]) -> MailWorker:
    return MailWorker(senders=4, attempts={"webhook": attempt})


def cut_all_other_connections() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_result_is_kept_until_the_database_is_back() -> None:
    DeliveryFactory()
    seen: list[str] = []
    begun, may_end = threading.Event(), threading.Event()

    def attempt(claim: ClaimedDelivery) -> Result:
        seen.append(claim.pk)
        assert Delivery.objects.exists()
        begun.set()
        may_end.wait(20)
        return DELIVERED

    with running(worker_with(attempt)):
        assert begun.wait(20)
        cut_all_other_connections()
        may_end.set()
        wait_for(Delivery.objects.filter(state="delivered").exists, within=20, what="the result is recorded")
    assert len(seen) == 1
    assert DeliveryAttempt.objects.get().number == 1


def test_a_bug_in_an_attempt_postpones_the_delivery_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    DeliveryFactory()

    def attempt(claim: ClaimedDelivery) -> Result:
        raise ZeroDivisionError

    with running(worker_with(attempt)):
        wait_for(Delivery.objects.exclude(problem="").exists, within=20, what="it is postponed")
    row = Delivery.objects.get()
    assert (row.state, row.attempts, row.leased_until) == ("due", 0, None)
    assert row.problem == "inbound could not make the delivery; the log says why."
    assert "ZeroDivisionError" in caplog.text


def test_attempts_that_hang_leave_the_senders_to_others_after_two_seconds() -> None:
    may_end = threading.Event()
    hanging = {DeliveryFactory().pk for _ in range(4)}
    made: list[str] = []

    def attempt(claim: ClaimedDelivery) -> Result:
        if claim.pk in hanging:
            may_end.wait(30)
        made.append(claim.pk)
        return DELIVERED

    with running(worker_with(attempt)):
        wait_for(lambda: Delivery.objects.filter(leased_until__isnull=False).count() == 4, within=20, what="all hang")
        others = {DeliveryFactory().pk for _ in range(8)}
        wait_for(lambda: set(made) == others, within=15, what="the others are delivered")
        may_end.set()
        wait_for(lambda: set(made) == others | hanging, within=15, what="all are delivered")


def test_a_stopped_worker_waits_for_attempts_that_end_soon_and_gives_back_the_others() -> None:
    may_end = threading.Event()
    rows = [DeliveryFactory().pk for _ in range(2)]
    begun = threading.Barrier(3)

    def attempt(claim: ClaimedDelivery) -> Result:
        begun.wait(20)
        if claim.pk == rows[0]:
            # Longer than the worker may take to end.
            may_end.wait(30)
            return Result(Kind.LOST)
        return DELIVERED

    with running(worker_with(attempt)):
        begun.wait(20)
    assert Delivery.objects.get(pk=rows[1]).state == "delivered"
    row = Delivery.objects.get(pk=rows[0])
    assert (row.state, row.leased_until, row.attempts) == ("due", None, 1)
    may_end.set()
    wait_for(lambda: not senders_left(), within=20, what="no sender is left")
