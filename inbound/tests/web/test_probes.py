"""/healthz, /readyz and who may read /metrics."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from workers.models import Worker, WorkerKind

pytestmark = pytest.mark.sqlite

PROBES = ("/healthz", "/readyz", "/metrics")


@pytest.fixture
def anyone() -> Client:
    return Client()


def alive(kind: WorkerKind, **values: object) -> None:
    now = timezone.now()
    Worker.objects.create(
        kind=kind, host="web01", pid=1, version="0.2.0", **{"started_at": now, "last_round_at": now, **values}
    )


class away:
    """A database that refuses every statement."""

    def __enter__(self):
        def refuse(*_: object) -> None:
            raise DatabaseError("away")

        self._wrapper = connection.execute_wrapper(refuse)
        self._wrapper.__enter__()

    def __exit__(self, *error: object) -> None:
        self._wrapper.__exit__(*error)


def test_healthz_answers_without_the_database(db, anyone, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = anyone.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


@pytest.mark.parametrize("path", PROBES)
def test_a_probe_is_answered_whatever_its_host_and_without_tls(db, anyone, settings, path):
    settings.SECURE_SSL_REDIRECT, settings.ALLOWED_HOSTS = True, ["mail.example.net"]
    answer = anyone.get(path, headers={"Host": "10.0.0.7:8000"})
    assert answer.status_code in (200, 503)
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", PROBES)
def test_a_probe_only_reads(db, anyone, path):
    assert anyone.post(path).status_code == 405
    assert anyone.head(path).content == b""


def test_readyz_is_200_while_the_workers_are_alive(db, anyone):
    for kind in WorkerKind:
        alive(kind)
    answer = anyone.get("/readyz")
    assert (answer.status_code, answer.json()["status"], answer.json()["problems"]) == (200, "ready", [])


def test_readyz_says_which_worker_is_missing(db, anyone):
    answer = anyone.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "not ready")
    assert any(problem.startswith("No ses_worker has ever run.") for problem in answer.json()["problems"])


def test_a_worker_whose_task_fails_is_alive(db, anyone):
    for kind in WorkerKind:
        alive(kind, problem="sweep SES: AWS refused the call.", problem_since=timezone.now())
    assert anyone.get("/readyz").status_code == 200


def test_readyz_says_that_migrations_are_missing(db, anyone):
    MigrationRecorder.Migration.objects.filter(app="audit", name="0001_initial").delete()
    try:
        problems = anyone.get("/readyz").json()["problems"]
    finally:
        MigrationRecorder(connection).record_applied("audit", "0001_initial")
    assert problems == ["The database lacks 1 migration. Run `python manage.py migrate`."]


def test_readyz_says_that_the_database_is_away(db, anyone):
    with away():
        answer = anyone.get("/readyz")
    assert (answer.status_code, answer.json()["problems"]) == (503, ["The database cannot be used."])


def test_metrics_are_for_this_machine(db, anyone):
    assert anyone.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 200
    assert anyone.get("/metrics", REMOTE_ADDR="::1").status_code == 200
    for address in ("192.0.2.1", ""):
        assert anyone.get("/metrics", REMOTE_ADDR=address).status_code == 403


@pytest.mark.parametrize("behind_proxy", [False, True])
def test_metrics_are_not_for_those_behind_a_proxy_on_this_machine(db, anyone, settings, behind_proxy):
    settings.BEHIND_TLS_PROXY = behind_proxy
    assert anyone.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1, 192.0.2.1"}).status_code == 403


@pytest.mark.parametrize("behind_proxy", [False, True])
@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "unknown"},
        {"X-Forwarded-For": ""},
        {"X-Forwarded-Proto": "https"},
        {"Forwarded": "for=_x"},
        {"X-Real-IP": "192.0.2.1"},
    ],
    ids=str,
)
def test_metrics_are_not_for_those_behind_a_proxy_that_names_no_address(db, anyone, settings, behind_proxy, headers):
    settings.BEHIND_TLS_PROXY = behind_proxy
    assert anyone.get("/metrics", headers=headers).status_code == 403


def test_metrics_are_for_those_who_have_the_token(db, anyone, settings):
    settings.METRICS_TOKEN = "r4nd0m"
    given = {"Authorization": "Bearer r4nd0m"}
    assert anyone.get("/metrics", headers=given, REMOTE_ADDR="192.0.2.1").status_code == 200
    for wrong in ({}, {"Authorization": "Bearer other"}, {"Authorization": "r4nd0m"}, {"Authorization": "Bearer ä"}):
        answer = anyone.get("/metrics", headers=wrong)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


def test_metrics_say_that_the_database_is_away(db, anyone):
    with away():
        answer = anyone.get("/metrics")
    assert answer.status_code == 200
    assert "inbound_database_up 0.0" in answer.content.decode()
    assert "inbound_findings" not in answer.content.decode()


def test_requests_are_measured_by_view(db, anyone):
    anyone.get("/api/v2/domains/anything")
    anyone.generic("BREW", "/nothing")
    text = anyone.get("/metrics").content.decode()
    assert 'inbound_http_request_seconds_count{method="GET",status="401",view="domain-detail"}' in text
    assert 'inbound_http_request_seconds_count{method="other",status="404",view="none"}' in text
