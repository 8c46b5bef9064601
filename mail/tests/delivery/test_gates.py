"""What is remembered of an endpoint that fails, is slow, or is gone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from endpoints.models import Endpoint
from endpoints.services import update_endpoint
from mail.delivery.claims import ClaimedDelivery, claim
from mail.delivery.expiry import run_expiry
from mail.delivery.finish import finish
from mail.delivery.result import Kind, Result
from mail.models import Delivery, EndpointGate
from mail.tests.delivery.deliveries import DELIVERED, FAILED, GONE, claim_one, due, endpoint, pass_time, seconds_until

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]

SLOW = replace(DELIVERED, seconds=2.5)


@pytest.fixture
def to() -> Endpoint:
    row = endpoint()
    due(row, 20)
    return row


def fail(times: int, result: Result = FAILED) -> EndpointGate:
    for _ in range(times):
        finish(claim_one(), result)
    return EndpointGate.objects.get()


def test_a_healthy_endpoint_has_no_gate(to: Endpoint) -> None:
    finish(claim_one(), DELIVERED)
    assert not EndpointGate.objects.exists()


def test_a_success_forgets_the_failures(to: Endpoint) -> None:
    gate = fail(4)
    assert (gate.failures, gate.not_before, gate.problem) == (4, None, "It answered 500.")
    assert gate.down_since is not None
    finish(claim_one(), DELIVERED)
    assert not EndpointGate.objects.exists()


def test_the_fifth_failure_closes_the_gate_and_each_probe_closes_it_for_longer(to: Endpoint) -> None:
    gate = fail(5)
    since = gate.down_since
    for pause in (5, 10, 20):
        assert seconds_until(gate, "not_before") == pytest.approx(pause, abs=1)
        assert claim(10).found == 0
        pass_time(pause + 1)
        (probe,) = claim(10).deliveries
        finish(probe, FAILED)
    gate.refresh_from_db()
    assert (gate.failures, gate.down_since) == (8, since)
    pass_time(1000)
    (probe,) = claim(10).deliveries
    finish(probe, DELIVERED)
    assert len(claim(10).deliveries) == 8


def test_what_was_under_way_when_the_gate_closed_does_not_close_it_for_longer(to: Endpoint) -> None:
    for one in claim(8).deliveries:
        finish(one, FAILED)
    gate = EndpointGate.objects.get()
    assert gate.failures == 5
    assert seconds_until(gate, "not_before") == pytest.approx(5, abs=1)


def test_retry_after_holds_back_everything_for_the_endpoint(to: Endpoint) -> None:
    gate = fail(1, replace(FAILED, status_code=429, retry_after=30.0))
    assert seconds_until(gate, "not_before") == pytest.approx(30, abs=1)
    assert claim(10).found == 0
    pass_time(31)
    assert len(claim(10).deliveries) == 8


def test_a_slow_answer_is_remembered_until_a_quick_one(to: Endpoint) -> None:
    finish(claim_one(), SLOW)
    assert EndpointGate.objects.get().is_slow
    finish(claim_one(), SLOW)
    assert claim(1, most_slow=0).found == 0
    finish(claim_one(), DELIVERED)
    assert not EndpointGate.objects.exists()
    finish(claim_one(), replace(FAILED, seconds=30.0))
    assert EndpointGate.objects.get().is_slow


def test_bounces_outlive_a_success(to: Endpoint) -> None:
    EndpointGate.objects.create(endpoint=to, bounces=2, failures=3)
    finish(claim_one(), DELIVERED)
    gate = EndpointGate.objects.get()
    assert (gate.bounces, gate.failures) == (2, 0)


@pytest.mark.parametrize("kind", [Kind.DEAD, Kind.POSTPONED, Kind.LOST])
def test_what_says_nothing_of_the_endpoint_changes_nothing(to: Endpoint, kind: Kind) -> None:
    finish(claim_one(), Result(kind, problem="It is too large."))
    assert not EndpointGate.objects.exists()


def test_three_mails_in_a_row_that_are_answered_410_switch_the_endpoint_off(to: Endpoint) -> None:
    fail(2, GONE)
    # Not in a row.
    finish(claim_one(), FAILED)
    assert fail(2, GONE).gone == 2
    to.refresh_from_db()
    assert to.is_active
    pass_time(10)
    fail(1, GONE)
    to.refresh_from_db()
    assert (to.is_active, to.inactive_reason[:34]) == (False, "The receiver answered three times ")
    assert claim(10).found == 0


def test_switching_on_begins_anew(to: Endpoint) -> None:
    for _ in range(3):
        finish(claim_one(), GONE)
    pass_time(10 * 86_400)
    assert update_endpoint(endpoint=to, is_active=True).inactive_reason == ""
    assert not EndpointGate.objects.exists()
    assert run_expiry() == 0
    assert seconds_until(Delivery.objects.due().first() or Delivery(), "expires_at") > 86_400
    assert len(claim(10).deliveries) == 8


def test_switching_on_takes_as_long_whatever_waits(to: Endpoint) -> None:
    update_endpoint(endpoint=to, is_active=False)
    with CaptureQueriesContext(connection) as queries:
        update_endpoint(endpoint=to, is_active=True)
    assert not [query for query in queries.captured_queries if "mail_delivery" in query["sql"]]


def test_a_change_of_something_else_opens_no_gate(to: Endpoint) -> None:
    fail(5)
    update_endpoint(endpoint=to, name="Other", is_active=True)
    assert EndpointGate.objects.get().failures == 5


def test_an_endpoint_that_was_deleted_meanwhile_needs_no_gate(to: Endpoint) -> None:
    one: ClaimedDelivery = claim_one()
    Endpoint.objects.get().delete()
    finish(one, FAILED)
    assert not EndpointGate.objects.exists()
