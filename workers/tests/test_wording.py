"""Nothing is said to go on by itself while no worker is alive."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from inbound.tests.support.factories import WorkerFactory
from workers.models import WorkerKind
from workers.wording import left_to

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db]

PROMISE = "It goes on by itself."


def test_while_a_worker_is_alive_the_promise_is_made_with_one_statement(django_assert_num_queries):
    WorkerFactory()
    with django_assert_num_queries(1):
        assert left_to(WorkerKind.SES, PROMISE) == PROMISE


def test_without_a_worker_it_is_said_that_it_waits_and_since_when():
    assert left_to(WorkerKind.SES, PROMISE) == "It is recorded, and waits: no ses_worker has ever run."
    WorkerFactory(last_round_at=timezone.now() - timedelta(minutes=4))
    said = left_to(WorkerKind.SES, PROMISE)
    assert said.startswith("It is recorded, and waits: no ses_worker has run since ")
    assert said.endswith(" UTC (4 min).")
