"""A PostgreSQL server that is really stopped and started again, cut off, or frozen, under the production server."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psycopg
import pytest

from inbound.api.errors import UNAVAILABLE, UNKNOWN_OUTCOME
from inbound.tests.processes.support.clients import Answer, Api, simultaneously
from inbound.tests.processes.support.quick_stack import QuickStack
from inbound.tests.processes.support.stack import ROOT, Stack, wait_for
from scripts.with_postgres import Server
from ses_integration.emulator.server import Emulator

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

# The promise is two seconds; the rest is for a busy machine. A request that takes longer raises TimeoutError. Waiting for a
# connection would take 30 s.
PATIENCE = 12.0
BACKENDS = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
RUNNING = "SELECT id FROM inbound_idempotencyrecord WHERE key = 'two'"
CUT_BLOCKED = f"SELECT count(pg_terminate_backend(pid)) {BACKENDS} AND wait_event_type = 'Lock'"


@dataclass
class Installation:
    server: Server
    stack: Stack
    api: Api

    def fill_pool(self) -> None:
        answers = simultaneously(self.api.with_key(self.api.key).get, ["domains"] * 30)
        assert {answer.status for answer in answers} == {200}

    def sql(self, statement: str) -> list[Any]:
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            return connection.execute(statement).fetchall()

    def cut_all(self) -> None:
        assert self.sql(f"SELECT pg_terminate_backend(pid) {BACKENDS}")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, emulator_process: Emulator) -> Iterator[Installation]:
    # All emulators of a process share moto's buckets, and those of the test before are still there.
    emulator_process.reset()
    # Not TMPDIR: the path of a socket is limited to about 100 characters.
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        server = Server(Path(folder))
        stack = QuickStack(tmp_path_factory.mktemp("stack"), server.url, SES_REQUEST_BUDGET="0.001")
        server.start()
        try:
            stack.command("migrate")
            stack.command("createsuperuser", "--noinput", "--username=op", "--email=op@example.com")
            key = re.search(r"inb_[\w-]+", stack.command("create_api_key", "op", "--name=test"))
            assert key
            stack.start()
            yield Installation(server, stack, stack.web_api.with_key(key[0], PATIENCE))
        finally:
            stack.stop()
            server.stop()


@pytest.fixture
def it(made: Installation) -> Iterator[Installation]:
    """A running installation whose pool is full of connections."""
    made.fill_pool()
    yield made
    made.server.stop()
    made.server.start()


def assert_unavailable(answer: Answer, sentence: str = UNAVAILABLE) -> None:
    assert (answer.status, answer.body, answer.headers["Retry-After"]) == (503, {"error": sentence}, "2")


def test_requests_work_at_once_when_all_connections_have_been_cut(it: Installation) -> None:
    it.cut_all()
    assert [it.api.get("domains").status for _ in range(15)] == [200] * 15


def test_requests_are_503_while_the_server_is_away_and_work_when_it_is_back(it: Installation) -> None:
    it.server.stop()
    for _ in range(3):
        assert_unavailable(it.api.get("domains"))
        assert_unavailable(it.api.post("domains", {"domain": "example.com"}))
    it.server.start()
    assert it.api.get("domains").status == 200


def test_a_restart_between_two_requests_is_not_seen(it: Installation) -> None:
    it.server.stop()
    it.server.start()
    assert [it.api.get("domains").status for _ in range(15)] == [200] * 15


def test_many_requests_at_once_do_not_wait_for_each_other(it: Installation) -> None:
    it.server.stop()
    for answer in simultaneously(it.api.get, ["domains"] * 100):
        assert_unavailable(answer)


def test_a_server_without_a_pool_does_the_same(it: Installation) -> None:
    web, api = it.stack.server("without_pool", DATABASE_POOL_SIZE="0")
    web.start()
    api = api.with_key(it.api.key, PATIENCE)
    it.server.stop()
    for _ in range(3):
        assert_unavailable(api.get("domains"))
    it.server.start()
    assert api.get("domains").status == 200
    web.stop()


def test_a_server_that_does_not_answer_is_like_one_that_is_away(it: Installation) -> None:
    assert it.server.process
    pids = [it.server.process.pid, *(pid for (pid,) in it.sql(f"SELECT pid {BACKENDS}"))]
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        for _ in range(3):
            assert_unavailable(it.api.get("domains"))
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    assert it.api.get("domains").status == 200


@pytest.mark.parametrize(
    ("path", "status", "content"),
    [
        ("/admin/", 503, b"<h1>The database is not available"),
        ("/admin/login/", 503, b"<h1>The database is not available"),
        ("/static/admin/css/base.css", 200, b"body"),
        ("/api/v2/nothing", 404, b'{"error": "Not found"}'),
    ],
)
def test_pages_say_so_and_what_needs_no_database_works(
    it: Installation, path: str, status: int, content: bytes
) -> None:
    it.server.stop()
    connection = HTTPConnection("127.0.0.1", it.api.port, timeout=PATIENCE)
    connection.request("GET", path, headers={"Cookie": f"sessionid={'a' * 32}"})
    answer = connection.getresponse()
    assert (answer.status, content in answer.read()) == (status, True)
    connection.close()


def test_a_write_whose_connection_is_cut_says_that_it_may_have_happened_and_frees_its_key(it: Installation) -> None:
    patient = it.stack.web_api.with_key(it.api.key)
    answers: list[Answer] = []

    def add() -> None:
        answers.append(patient.request("POST", "domains", {"domain": "example.org"}, idempotency_key="one"))

    thread = threading.Thread(target=add)
    with psycopg.connect(it.server.url) as other:
        other.execute("LOCK TABLE domains_domain")
        thread.start()
        # The worker may wait for the table, too.
        wait_for(lambda: it.sql(CUT_BLOCKED) and answers, within=20, what="the request has an answer")
        thread.join()
    assert_unavailable(answers[0], UNKNOWN_OUTCOME)
    add()
    add()
    assert [answer.status for answer in answers] == [503, 201, 201]
    assert answers[2].headers["Idempotency-Replayed"] == "true"


def test_a_key_is_free_again_after_an_outage_during_its_request(it: Installation) -> None:
    patient = it.stack.web_api.with_key(it.api.key)
    answers: list[Answer] = []

    def add() -> None:
        answers.append(patient.request("POST", "domains", {"domain": "example.info"}, idempotency_key="two"))

    thread = threading.Thread(target=add)
    with psycopg.connect(it.server.url) as other:
        other.execute("LOCK TABLE domains_domain")
        thread.start()
        wait_for(lambda: it.sql(RUNNING), within=20, what="the request has claimed its key")
        it.server.stop()
        thread.join()
        other.close()
    assert_unavailable(answers[0], UNKNOWN_OUTCOME)
    it.server.start()
    add()
    assert answers[1].status == 201


def test_the_worker_goes_on_after_an_outage(it: Installation) -> None:
    said = len(it.stack.worker.text)
    it.server.stop()
    wait_for(lambda: "the database failed" in it.stack.worker.text[said:], within=20, what="the worker has noticed")
    assert "Traceback" not in it.stack.worker.text[said:]
    it.server.start()
    it.api.add_domain("example.net")
    wait_for(lambda: "example.net" in it.stack.aws.identities(), within=20, what="the worker has told SES")


def test_a_command_says_in_one_sentence_that_the_database_is_away(it: Installation) -> None:
    it.server.stop()
    for command in ("ses_status", "create_api_key op --name=x"):
        done = subprocess.run(
            [sys.executable, "manage.py", *command.split()],
            env=it.stack.env, cwd=ROOT, capture_output=True, text=True, timeout=30,
        )  # fmt: skip
        assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
        assert "database" in done.stderr
