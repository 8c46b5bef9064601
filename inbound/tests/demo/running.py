"""Running `python manage.py demo` in tests."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inbound.settings import BASE_DIR

START_SECONDS = 120
STOP_SECONDS = 60


class Demo:
    """`python manage.py demo` with its own folder and ports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = _free_ports(4)
        self._output = folder.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **environ: str) -> None:
        ports = zip(("PORT", "AWS_EMULATOR_PORT", "DEMO_DNS_PORT", "DEMO_SMTP_PORT"), map(str, self.ports), strict=True)
        demo = {"DEMO_DIR": str(self.folder), **dict(ports)}
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "demo"],
                cwd=BASE_DIR,
                env=_shell() | demo | environ,
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

    def manage(self, *words: str) -> str:
        """What a command prints in the demo's environment."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=BASE_DIR,
            env=_shell() | self.values,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def get(self, path: str) -> Any:
        values = self.values
        return request_json(values["BASE_URL"] + path, key=values["API_KEY"])

    def delete(self, address: str) -> Any:
        """Delete an address over the API. Returns the answer."""
        values = self.values
        pk = next(row["id"] for row in self.get("/email-addresses")["data"] if row["address"] == address)
        return request_json(f"{values['BASE_URL']}/email-addresses/{pk}", key=values["API_KEY"], method="DELETE")

    def recipients(self) -> list[str]:
        """The recipients of all rules in the emulated SES."""
        ses = request_json(self.values["AWS_ENDPOINT_URL"] + "/_ses")[self.values["AWS_REGION"]]
        return sorted(address for rule in ses["rule_sets"][ses["active_rule_set"]] for address in rule["Recipients"])

    def leftovers(self) -> list[str]:
        """Processes with this demo's environment, and ports that still accept connections."""
        variable = f"DEMO_DIR={self.folder}".encode()
        processes = [str(file.parent) for file in Path("/proc").glob("[0-9]*/environ") if variable in read_bytes(file)]
        return processes + [f"port {port}" for port in self.ports if listens(port)]


def request_json(url: str, key: str = "", method: str = "GET") -> Any:
    request = urllib.request.Request(url, method=method, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def read_bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _shell() -> dict[str, str]:
    """The environment without the settings module of the test suite, which removes AWS variables."""
    return {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
