"""Deliveries that could not be made in time are given up, and old attempts are forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from endpoints.models import Endpoint
from mail.delivery.expiry import run_expiry
from mail.delivery.finish import finish
from mail.models import Delivery, DeliveryAttempt, EndpointGate
from mail.models.delivery import lifetime
from mail.tests.delivery.deliveries import DELIVERED, FAILED, claim_one, due, endpoint, pass_time, seconds_until

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]

DAY = 86_400


def test_what_is_past_its_time_is_dead_and_says_why() -> None:
    never_tried, tried = due(endpoint(), 2)
    Delivery.objects.filter(pk=tried.pk).update(problem="It answered 500.")
    assert run_expiry() == 0
    pass_time(4 * DAY)
    assert run_expiry() == 2
    for row in (never_tried, tried):
        row.refresh_from_db()
        assert (row.state, row.retry_at, row.finished_at is None) == ("dead", None, False)
    assert never_tried.problem == "It could not be delivered in time."
    assert tried.problem == "It could not be delivered in time. It answered 500."


def test_what_an_attempt_is_under_way_for_is_left_to_it() -> None:
    due(endpoint())
    pass_time(4 * DAY)
    one = claim_one()
    assert run_expiry() == 0
    finish(one, FAILED)
    assert run_expiry() == 1


def test_what_waits_for_an_inactive_endpoint_gets_new_time() -> None:
    (row,) = due(endpoint())
    Endpoint.objects.update(is_active=False)
    pass_time(10 * DAY)
    assert run_expiry() == 0
    assert seconds_until(row, "expires_at") == pytest.approx(lifetime().total_seconds(), abs=2)
    assert row.state == "due"


def test_what_waits_for_a_closed_gate_is_given_up() -> None:
    to = endpoint()
    never_tried, tried = due(to, 2)
    Delivery.objects.filter(pk=tried.pk).update(problem="The receiver answered 500.")
    gate = {"failures": 9, "down_since": timezone.now(), "problem": "The receiver answered 401."}
    EndpointGate.objects.create(endpoint=to, **gate)
    pass_time(4 * DAY)
    assert run_expiry() == 2
    for row in (never_tried, tried):
        row.refresh_from_db()
    assert never_tried.problem == "Its time was over while the endpoint was down: The receiver answered 401."
    assert tried.problem == "It could not be delivered in time. The receiver answered 500."


def test_a_delivery_lives_longer_than_its_whole_schedule(settings: Any) -> None:
    assert lifetime() > timedelta(seconds=1.2 * sum(settings.WEBHOOK_RETRY_SECONDS))


def test_old_attempts_and_what_their_answers_said_are_forgotten(settings: Any) -> None:
    settings.DELIVERY_LOG_DAYS = 30
    due(endpoint(), 2)
    old = claim_one()
    finish(old, DELIVERED)
    DeliveryAttempt.objects.update(at=F("at") - timedelta(days=31))
    Delivery.objects.filter(pk=old.pk).update(last_attempt_at=F("last_attempt_at") - timedelta(days=31))
    finish(claim_one(), DELIVERED)
    run_expiry()
    assert DeliveryAttempt.objects.get().delivery_id != old.pk
    assert Delivery.objects.get(pk=old.pk).response == {"responseCode": 200, "responseBody": None}
    assert Delivery.objects.exclude(pk=old.pk).get().response == {"responseCode": 200, "responseBody": "ok"}


def test_it_ends_when_it_is_told_to() -> None:
    due(endpoint())
    pass_time(4 * DAY)
    assert run_expiry(lambda: True) == 0
    assert run_expiry(seconds=0.0) == 0
