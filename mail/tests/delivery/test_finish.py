"""What becomes of a delivery after an attempt, and what its log says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mail.delivery.claims import ClaimedDelivery, claim, release
from mail.delivery.finish import Outcome, finish
from mail.delivery.result import Kind, Result
from mail.models import Delivery, DeliveryAttempt
from mail.tests.delivery.deliveries import DELIVERED, FAILED, GONE, claim_one, due, endpoint, pass_time, seconds_until

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def pauses(settings: Any) -> None:
    settings.WEBHOOK_RETRY_SECONDS = [5.0, 300.0]


def claimed(**config: Any) -> ClaimedDelivery:
    due(endpoint(**config))
    return claim_one()


def test_a_delivery_that_was_made_is_over() -> None:
    assert finish(claimed(), DELIVERED) == Outcome.DELIVERED
    row = Delivery.objects.get()
    assert (row.state, row.attempts, row.retry_at, row.leased_until, row.problem) == ("delivered", 1, None, None, "")
    assert row.response == {"responseCode": 200, "responseBody": "ok"}
    assert row.finished_at is not None
    log = DeliveryAttempt.objects.get()
    assert (log.number, log.status_code, log.error, log.excerpt, log.seconds) == (1, 200, "", "ok", 0.1)
    assert row.last_attempt_at is not None
    assert row.last_attempt_at < row.finished_at


def test_one_that_failed_is_tried_again_until_the_last_pause_is_over() -> None:
    due(endpoint())
    row = Delivery.objects.get()
    for number, pause in enumerate((5, 300), 1):
        assert finish(claim_one(), FAILED) == Outcome.RETRIED
        assert seconds_until(row, "retry_at") == pytest.approx(pause, rel=0.21, abs=1)
        assert (row.state, row.attempts, row.problem, row.leased_until) == ("due", number, "It answered 500.", None)
        pass_time(400)
    assert finish(claim_one(), FAILED) == Outcome.DEAD
    row.refresh_from_db()
    assert (row.state, row.retry_at, row.problem) == ("dead", None, "It answered 500.")
    assert list(DeliveryAttempt.objects.order_by("number").values_list("number", "error")) == [
        (number, "It answered 500.") for number in (1, 2, 3)
    ]


def test_an_endpoint_decides_how_often() -> None:
    assert finish(claimed(retryAttempts=0), FAILED) == Outcome.DEAD


def test_retry_after_is_respected() -> None:
    busy = replace(FAILED, status_code=429, retry_after=1000.0)
    assert finish(claimed(), busy) == Outcome.RETRIED
    assert seconds_until(Delivery.objects.get(), "retry_at") == pytest.approx(1000, abs=2)


@pytest.mark.parametrize("result", [GONE, Result(Kind.DEAD, problem="It is too large.")])
def test_what_can_never_succeed_is_dead_at_once(result: Result) -> None:
    assert finish(claimed(), result) == Outcome.DEAD
    assert (Delivery.objects.get().state, Delivery.objects.get().problem) == ("dead", result.problem)


def test_a_postponed_delivery_spends_no_attempt_and_has_no_log() -> None:
    one = claimed()
    assert finish(one, Result(Kind.POSTPONED, problem="SES takes no mail now.", retry_after=900.0)) == Outcome.POSTPONED
    row = Delivery.objects.get()
    assert (row.state, row.attempts, row.leased_until, row.problem) == ("due", 0, None, "SES takes no mail now.")
    assert seconds_until(row, "retry_at") == pytest.approx(900, abs=2)
    assert not DeliveryAttempt.objects.exists()
    # It is not this claim's any more.
    assert finish(one, DELIVERED) == Outcome.LOST


@pytest.mark.parametrize("result", [DELIVERED, FAILED, GONE, Result(Kind.POSTPONED), Result(Kind.LOST)])
def test_a_claim_that_has_ended_changes_nothing(result: Result) -> None:
    late = claimed()
    pass_time(100)
    newer = claim_one()
    before = Delivery.objects.values().get()
    assert finish(late, result) == Outcome.LOST
    assert Delivery.objects.values().get() == before
    assert not DeliveryAttempt.objects.exists()
    assert finish(newer, DELIVERED) == Outcome.DELIVERED


@pytest.mark.parametrize("how", ["released", "withdrawn", "deleted"])
def test_an_attempt_that_nobody_waits_for_any_more_is_not_recorded(how: str) -> None:
    one = claimed()
    if how == "released":
        release([one], begun=True)
    elif how == "withdrawn":
        Delivery.objects.update(state="withdrawn")
    else:
        Delivery.objects.all().delete()
    assert finish(one, DELIVERED) == Outcome.LOST
    assert not DeliveryAttempt.objects.exists()


def test_a_body_that_differs_from_the_first_one_is_noted() -> None:
    assert finish(claimed(), replace(FAILED, body_digest="first")) == Outcome.RETRIED
    assert Delivery.objects.get().body_digest == "first"
    pass_time(10)
    assert finish(claim_one(), replace(DELIVERED, body_digest="second")) == Outcome.DELIVERED
    assert Delivery.objects.get().body_digest == "first"
    assert [log.error for log in DeliveryAttempt.objects.order_by("number")] == [
        "It answered 500.",
        "The body differs from that of the first attempt.",
    ]


def test_whatever_a_receiver_answers_can_be_stored() -> None:
    odd = replace(
        FAILED, excerpt="\0\ud800" + "x" * 3000, problem="y" * 600, response={"responseBody": "a\0", "x": ["\ud800"]}
    )
    assert finish(claimed(), odd) == Outcome.RETRIED
    log = DeliveryAttempt.objects.get()
    assert (len(log.excerpt), log.excerpt[:3], len(log.error)) == (2000, "\ufffd\ufffdx", 500)
    assert Delivery.objects.get().response == {"responseBody": "a\ufffd", "x": ["\ufffd"]}


def test_numbers_go_on_after_a_postponement() -> None:
    assert finish(claimed(), FAILED) == Outcome.RETRIED
    pass_time(10)
    finish(claim_one(), Result(Kind.POSTPONED, retry_after=0.0))
    pass_time(1)
    finish(claim_one(), DELIVERED)
    assert [log.number for log in DeliveryAttempt.objects.order_by("number")] == [1, 2]
    assert claim(1).found == 0
