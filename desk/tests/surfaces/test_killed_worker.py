"""The worker is killed, and nobody starts another one."""

from __future__ import annotations

import pytest
from django.db.models import F

from desk.state.values import Kind, Level
from inbound.tests.support.aws import recover_and_run_worker
from inbound.tests.support.factories import DomainFactory, WorkerFactory
from workers.alive import ALIVE
from workers.models import Worker, WorkerKind

pytestmark = [pytest.mark.processes, pytest.mark.postgresql]


def a_minute_later() -> None:
    Worker.objects.filter(kind=WorkerKind.SES).update(last_round_at=F("last_round_at") - ALIVE)


def test_it_shows_within_a_minute_until_a_worker_runs(worker, ses, api, user, settings, surfaces):
    WorkerFactory(kind=WorkerKind.MAIL)
    worker.start()
    surfaces().assert_settled()
    worker.kill()
    a_minute_later()

    # What is new waits, and nobody promises that it goes on by itself.
    settings.SES_REQUEST_BUDGET = 0.0
    domain = DomainFactory(owner=user, name="shop.example")
    answer = api.post("/api/v2/email-addresses", {"address": "hello@shop.example", "domainId": domain.pk}).json()
    said = surfaces()
    since = "no ses_worker has run since"
    for text in [*said.texts.values(), str(answer)]:
        assert "automatically" not in text
        assert "by itself" not in text
        assert since in text.lower()
    said.assert_shows(Kind.WORKER, "Start it: manage.py ses_worker.")
    assert said.metrics["inbound_workers_alive", "ses_worker"] == 0
    assert (said.ready, said.number(Kind.SES_CHANGE)) == (503, 1)
    assert said.metrics["inbound_findings_by_level", Level.PENDING.wire] == 1
    assert "1 thing waits for one." in said.headline

    worker.start()
    recover_and_run_worker(ses)
    surfaces().assert_settled(since)
