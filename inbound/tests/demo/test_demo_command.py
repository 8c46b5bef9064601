"""The two-command demo, as somebody on a fresh machine meets it."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from inbound.demo.place import Place, Unusable, write_private
from inbound.settings import BASE_DIR

pytestmark = [
    pytest.mark.processes,
    # It brings its own database.
    pytest.mark.sqlite_only,
]

START_SECONDS = 120
STOP_SECONDS = 60
SEEDED = ["hello@example.com", "sales@example.com", "support@example.com"]


class Demo:
    """`python manage.py demo` in a folder and on ports of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = _free_ports(2)
        self._output = folder.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **environ: str) -> None:
        web, emulator = self.ports
        ours = {"DEMO_DIR": str(self.folder), "PORT": str(web), "AWS_EMULATOR_PORT": str(emulator)}
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "demo"],
                cwd=BASE_DIR,
                env=_shell() | ours | environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        self.wait_until(lambda: self.values_file.exists() and "Ctrl-C" in self.output)

    def wait_until(self, reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not reached():
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.02)

    def stop(self, signum: signal.Signals) -> int:
        self.process.send_signal(signum)
        return self.process.wait(STOP_SECONDS)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    @property
    def output(self) -> str:
        return self._output.read_text()

    @property
    def values_file(self) -> Path:
        return self.folder / "demo.env"

    @property
    def values(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.values_file.read_text().splitlines())

    @property
    def curls(self) -> list[list[str]]:
        return [shlex.split(line) for line in self.output.splitlines() if line.startswith("  curl ")]

    def get(self, path: str) -> Any:
        values = self.values
        return _ask(values["BASE_URL"] + path, key=values["API_KEY"])

    def recipients(self) -> list[str]:
        """What the emulated SES holds, of all rules."""
        ses = _ask(self.values["AWS_ENDPOINT_URL"] + "/_ses")[self.values["AWS_REGION"]]
        return sorted(address for rule in ses["rule_sets"][ses["active_rule_set"]] for address in rule["Recipients"])

    def leftovers(self) -> list[str]:
        """Processes that carry this demo's environment, and ports that still answer."""
        sync = f"DEMO_DIR={self.folder}".encode()
        processes = [str(file.parent) for file in Path("/proc").glob("[0-9]*/environ") if sync in _bytes(file)]
        return processes + [f"port {port}" for port in self.ports if _listens(port)]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path / "demo")
    yield demo
    if demo._process is not None and demo.process.poll() is None:
        demo.stop(signal.SIGTERM)
    assert demo.leftovers() == []


def test_a_first_and_a_second_run(demo: Demo) -> None:
    demo.start(AWS_PROFILE="production", AWS_ENDPOINT_URL_SES="http://192.0.2.1", ALLOWED_HOSTS="inbound.example")
    demo.wait_until_ready()
    first = demo.values
    assert demo.values_file.stat().st_mode & 0o777 == 0o600
    assert [domain["status"] for domain in demo.get("/domains")["data"]] == ["verified"]
    assert demo.recipients() == SEEDED
    assert first["API_KEY"] in demo.output
    assert first["ADMIN_PASSWORD"] in demo.output
    assert len(demo.curls) == 3
    assert _run(demo.curls[2])["cleanup"]["sesRuleUpdated"] is True
    assert demo.recipients() == ["hello@example.com", "support@example.com"]
    assert demo.stop(signal.SIGINT) == 0
    assert demo.leftovers() == []
    assert not demo.values_file.exists()
    assert "Traceback" not in demo.output

    demo.start()
    demo.wait_until_ready()
    assert demo.values == first
    assert demo.recipients() == SEEDED, "the emulator forgot, and the demo's address had been deleted"
    assert sorted(row["address"] for row in demo.get("/email-addresses")["data"]) == SEEDED
    assert _run(demo.curls[2])["cleanup"]["sesRuleUpdated"] is True
    assert demo.stop(signal.SIGTERM) == 0
    assert demo.leftovers() == []
    assert "Traceback" not in demo.output


def test_a_stop_while_it_starts(demo: Demo) -> None:
    demo.start()
    demo.wait_until(lambda: _listens(demo.ports[1]))
    assert demo.stop(signal.SIGTERM) == 0
    assert not demo.values_file.exists()
    assert "Traceback" not in demo.output


def test_a_process_that_dies_ends_the_demo(demo: Demo) -> None:
    demo.start()
    demo.wait_until_ready()
    (emulator,) = (
        int(file.parent.name)
        for file in Path("/proc").glob("[0-9]*/cmdline")
        if f"aws_emulator\0--port\0{demo.ports[1]}\0".encode() in _bytes(file)
    )
    os.kill(emulator, signal.SIGKILL)
    assert demo.process.wait(STOP_SECONDS) == 1
    assert "The process emulator has ended" in demo.output


@pytest.mark.parametrize(("which", "name"), [(0, "PORT"), (1, "AWS_EMULATOR_PORT")])
def test_a_port_in_use_is_refused_before_anything_starts(demo: Demo, which: int, name: str) -> None:
    write_private(demo.values_file, "BASE_URL=http://stale\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", demo.ports[which]))
        taken.listen()
        demo.start()
        assert demo.process.wait(START_SECONDS) == 1
    assert f"Port {demo.ports[which]} is in use: stop what uses it, or choose another with {name}=" in demo.output
    assert "Starting" not in demo.output
    assert not demo.values_file.exists()


def test_a_second_demo_in_the_same_folder_is_refused(demo: Demo) -> None:
    write_private(demo.values_file, "BASE_URL=http://the.first.one\n")
    with (demo.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        demo.start()
        assert demo.process.wait(START_SECONDS) == 1
    assert "The demo is running already" in demo.output
    assert demo.values_file.exists()


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(Unusable, match=re.escape(f"PORT is {port!r}; it must be a port")):
        Place.named_by({"PORT": port})


def test_one_port_for_both_is_refused() -> None:
    with pytest.raises(Unusable, match="must differ"):
        Place.named_by({"PORT": "5599"})


def test_nothing_of_a_real_account_reaches_the_demo(tmp_path: Path) -> None:
    shell = {
        "AWS_PROFILE": "production",
        "AWS_SESSION_TOKEN": "secret",
        "AWS_ENDPOINT_URL_SES": "https://email.eu-west-1.amazonaws.com",
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "SES_RULE_SET": "production",
        "DATABASE_URL": "postgres://production",
        "http_proxy": "http://proxy.example",
        "HOME": "/home/me",
        "DEMO_DIR": str(tmp_path / "a folder"),
    }
    place = Place.named_by(shell)
    environment = place.environment(shell)
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_SES", "SES_RULE_SET"} & environment.keys()
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:5599"
    assert environment["AWS_ACCESS_KEY_ID"] == "demo"
    assert environment["AWS_CONFIG_FILE"] == os.devnull
    assert environment["DATABASE_URL"] == f"sqlite:///{tmp_path}/a%20folder/inbound.sqlite3"
    assert environment["no_proxy"] == "127.0.0.1"
    assert environment["HOME"] == "/home/me"
    assert place.environment(environment) == environment


def _shell() -> dict[str, str]:
    """The environment without the test suite's settings, which clear it of AWS."""
    return {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}


def _run(curl: list[str]) -> Any:
    """Does what a printed line would, without needing curl."""
    assert curl[:4] == ["curl", "-X", "DELETE", "-H"]
    name, _, value = curl[4].partition(": ")
    request = urllib.request.Request(curl[5], method="DELETE", headers={name: value})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def _ask(url: str, key: str = "") -> Any:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
