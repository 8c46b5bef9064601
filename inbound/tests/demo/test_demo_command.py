"""`python manage.py demo` as a process, on a fresh machine."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from inbound.demo.environment import write_private
from inbound.tests.demo.running import START_SECONDS, STOP_SECONDS, Demo, listens

pytestmark = [
    pytest.mark.processes,
    # It has its own database.
    pytest.mark.sqlite_only,
]

SEEDED = ["forward@example.com", "hello@example.com", "sales@example.com", "support@example.com"]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path / "demo")
    yield demo
    if demo._process is not None and demo.process.poll() is None:
        demo.stop(signal.SIGTERM)
    assert demo.leftovers() == []


def test_a_second_run_keeps_keys_and_data(demo: Demo) -> None:
    demo.start(AWS_PROFILE="production", AWS_ENDPOINT_URL_SES="http://192.0.2.1", ALLOWED_HOSTS="inbound.example")
    demo.wait_until_ready()
    first = demo.values
    assert demo.values_file.stat().st_mode & 0o777 == 0o600
    assert [domain["status"] for domain in demo.get("/domains")["data"]] == ["verified"]
    assert demo.recipients() == SEEDED
    assert first["API_KEY"] in demo.output
    assert first["ADMIN_PASSWORD"] in demo.output
    assert demo.delete("sales@example.com")["cleanup"]["sesRuleUpdated"] is True
    assert demo.recipients() == ["forward@example.com", "hello@example.com", "support@example.com"]
    assert demo.delete("support@example.com")["cleanup"]["sesRuleUpdated"] is True
    assert demo.stop(signal.SIGINT) == 0
    assert demo.leftovers() == []
    assert not demo.values_file.exists()
    assert "Traceback" not in demo.output

    demo.start()
    demo.wait_until_ready()
    pids = {"WORKER_PID": "", "MAIL_WORKER_PID": ""}
    assert demo.values | pids == first | pids
    assert demo.recipients() == SEEDED, "the new emulator was empty, and two addresses had been deleted"
    assert sorted(row["address"] for row in demo.get("/email-addresses")["data"]) == SEEDED
    assert demo.delete("sales@example.com")["cleanup"]["sesRuleUpdated"] is True
    assert demo.stop(signal.SIGTERM) == 0
    assert demo.leftovers() == []
    assert "Traceback" not in demo.output


def test_it_can_be_stopped_while_it_starts(demo: Demo) -> None:
    demo.start()
    demo.wait_until(lambda: listens(demo.ports[1]))
    assert demo.stop(signal.SIGTERM) == 0
    assert not demo.values_file.exists()
    assert "Traceback" not in demo.output


def test_the_demo_stops_when_one_of_its_processes_dies(demo: Demo) -> None:
    demo.start()
    demo.wait_until_ready()
    os.kill(int(demo.values["WORKER_PID"]), signal.SIGKILL)
    assert demo.process.wait(STOP_SECONDS) == 1
    assert "CommandError: The process worker has ended, so the demo stops; see the messages above.\n" in demo.output


def test_a_mail_arrives_as_soon_as_the_demo_is_ready_and_while_its_worker_is_killed(demo: Demo) -> None:
    demo.start()
    demo.wait_until_ready()
    first = demo.manage("send_test_mail", "hello@example.com", "--wait")
    assert re.search(r"250 OK \S+\n.* listed as .*\n.* read: 0 attachments", first)
    killed = int(demo.values["MAIL_WORKER_PID"])
    os.kill(killed, signal.SIGKILL)
    assert " read: 0 attachments" in demo.manage("send_test_mail", "hello@example.com", "--wait", "240")
    assert int(demo.values["MAIL_WORKER_PID"]) != killed
    assert "The mail worker was killed; starting another one" in demo.output
    assert demo.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize(
    ("which", "name"), [(0, "PORT"), (1, "AWS_EMULATOR_PORT"), (2, "DEMO_DNS_PORT"), (3, "DEMO_SMTP_PORT")]
)
def test_a_port_in_use_is_refused_before_anything_starts(demo: Demo, which: int, name: str) -> None:
    write_private(demo.values_file, "BASE_URL=http://the.first.one\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", demo.ports[which]))
        taken.listen()
        demo.start()
        assert demo.process.wait(START_SECONDS) == 1
    assert f"Port {demo.ports[which]} is in use: stop what uses it, or choose another with {name}=" in demo.output
    assert "Starting" not in demo.output
    assert demo.values_file.exists(), "the processes that hold the port may be those that it describes"


def test_a_second_demo_in_the_same_folder_is_refused(demo: Demo) -> None:
    write_private(demo.values_file, "BASE_URL=http://the.first.one\n")
    with (demo.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        demo.start()
        assert demo.process.wait(START_SECONDS) == 1
    assert "The demo is running already" in demo.output
    assert demo.values_file.exists()
