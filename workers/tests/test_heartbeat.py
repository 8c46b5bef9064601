"""A worker says that it is alive, and others see it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from inbound.tests.support.factories import WorkerFactory
from workers import heartbeat
from workers.alive import ALIVE, is_alive, none_since
from workers.heartbeat import Heartbeat
from workers.models import Worker, WorkerKind

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db]


def test_a_worker_is_alive_from_its_start_until_it_stops():
    with Heartbeat(WorkerKind.SES):
        assert is_alive(WorkerKind.SES)
        assert none_since(WorkerKind.SES) is None
    assert not is_alive(WorkerKind.SES)
    assert none_since(WorkerKind.SES) == Worker.objects.get().stopped_at


def test_a_worker_of_another_kind_does_not_count():
    with Heartbeat(WorkerKind.MAIL):
        assert not is_alive(WorkerKind.SES)
        assert none_since(WorkerKind.SES) is None


def test_a_worker_that_is_not_heard_of_for_a_minute_is_not_alive():
    row = WorkerFactory(last_round_at=timezone.now() - ALIVE)
    assert not is_alive(WorkerKind.SES)
    assert none_since(WorkerKind.SES) == row.last_round_at


def test_a_worker_that_ends_with_an_error_has_not_stopped():
    with pytest.raises(ZeroDivisionError), Heartbeat(WorkerKind.SES):
        raise ZeroDivisionError
    assert Worker.objects.get().stopped_at is None


def test_it_writes_only_now_and_then(django_assert_num_queries):
    with Heartbeat(WorkerKind.SES) as beat, django_assert_num_queries(0):
        for _ in range(100):
            beat.round()


def test_a_problem_stays_with_the_time_at_which_it_began_until_it_is_over(monkeypatch):
    monkeypatch.setattr(heartbeat, "INTERVAL_SECONDS", 0.0)
    with Heartbeat(WorkerKind.SES) as beat:
        beat.round("sweep SES: AWS gave no answer.")
        began = Worker.objects.get().problem_since
        beat.round("sweep SES: AWS is throttling our calls.", needs_you=True)
        row = Worker.objects.get()
        assert (row.problem, row.needs_you) == ("sweep SES: AWS is throttling our calls.", True)
        assert row.problem_since == began is not None
        beat.round()
        row = Worker.objects.get()
        assert (row.problem, row.problem_since, row.needs_you) == ("", None, False)


def test_rows_of_workers_that_are_gone_are_deleted_after_a_day_if_there_are_newer_ones_of_the_kind():
    last = WorkerFactory(kind=WorkerKind.MAIL, last_round_at=timezone.now() - 2 * heartbeat.KEPT)
    WorkerFactory(last_round_at=timezone.now() - heartbeat.KEPT - timedelta(seconds=1))
    kept = WorkerFactory(last_round_at=timezone.now() - heartbeat.KEPT / 2)
    with Heartbeat(WorkerKind.SES):
        assert Worker.objects.filter(pk=kept.pk).exists()
        assert Worker.objects.count() == 3
        assert none_since(WorkerKind.MAIL) == last.last_round_at


def test_a_worker_for_another_region_or_rule_set_does_nothing_of_what_waits_here(settings):
    with Heartbeat(WorkerKind.SES):
        assert Worker.objects.get().place == "eu-west-1, rule set inbound-email-rules"
        assert is_alive(WorkerKind.SES)
        settings.AWS_REGION = "us-east-1"
        assert not is_alive(WorkerKind.SES)
        assert none_since(WorkerKind.SES) is None


def test_a_worker_whose_row_is_gone_or_is_that_of_another_one_writes_a_new_one(monkeypatch):
    monkeypatch.setattr(heartbeat, "INTERVAL_SECONDS", 0.0)
    with Heartbeat(WorkerKind.SES) as beat:
        Worker.objects.all().delete()
        beat.round("sweep SES: AWS gave no answer.")
        assert Worker.objects.get().problem == "sweep SES: AWS gave no answer."
        # An older database was restored.
        Worker.objects.update(host="web02", problem="")
        beat.round("sweep SES: AWS gave no answer.")
    assert [row.problem for row in Worker.objects.order_by("pk")] == ["", "sweep SES: AWS gave no answer."]


def test_a_time_that_is_far_ahead_says_nothing():
    WorkerFactory(last_round_at=timezone.now() + timedelta(hours=1))
    assert not is_alive(WorkerKind.SES)
