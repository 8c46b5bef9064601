"""The emulator, the production server and the worker as real processes, for these tests and for the benchmark."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from inbound.tests.processes.support.clients import Api, EmulatedAws

ROOT = Path(__file__).resolve().parents[4]
# In the folder of the interpreter itself, not of the file that it links to.
GUNICORN = Path(sys.executable).with_name("gunicorn")
SET_FOR_US = ("AWS_", "SES_", "S3_", "LAMBDA_", "DATABASE_", "DJANGO_", "DNS_", "WEB_", "GUNICORN_", "BIND", "PORT")
START_SECONDS = 30.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.02


def wait_for(check: Callable[[], object], *, within: float, what: str) -> None:
    """Poll until `check()` is true. Raises AssertionError after `within` seconds."""
    deadline = time.monotonic() + within
    while not check():
        if time.monotonic() > deadline:
            raise AssertionError(f"Not within {within:g} s: {what}.")
        time.sleep(POLL_SECONDS)


def url_of_database(url: str, name: str) -> str:
    """The URL of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(database_url: str, aws_port: int, **more: str) -> dict[str, str]:
    """The environment of a process: the shipped settings, this database and this emulator, nothing from the shell."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(SET_FOR_US)}
    return {
        **inherited,
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "inbound.settings",
        "SECRET_KEY": "of-processes-that-live-for-one-test-and-listen-on-loopback-only",
        "DEBUG": "false",
        "DATABASE_URL": database_url,
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{aws_port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ACCOUNT_ID": "123456789012",
        "S3_BUCKET_NAME": "inbound-mail",
        "SES_AUTO_SETUP": "true",
        "SES_CALLS_PER_SECOND": "0",
        "SES_CALL_SETTLE_SECONDS": "2",
        # Nothing listens there, so no real resolver is asked.
        "DNS_RESOLVERS": "127.0.0.1:9",
        **more,
    }


class Process:
    """A command and its children in their own session, so that a signal reaches all of them at once."""

    def __init__(
        self, command: list[str], env: dict[str, str], log: Path, ready: Callable[[str], bool], root: Path = ROOT
    ) -> None:
        self.log = log
        self._root = root
        self._command = command
        self._env = env
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None
        self._earlier_output = 0

    @property
    def group(self) -> int:
        """The id of the process group."""
        if self._process is None:
            raise RuntimeError(f"{self.log.stem} is not running.")
        return self._process.pid

    @property
    def text(self) -> str:
        """The output of all its runs so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def start(self, *, wait: bool = True) -> None:
        self._earlier_output = len(self.text)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._env,
                cwd=self._root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self) -> None:
        wait_for(self._started, within=START_SECONDS, what=f"{self.log.stem} is ready")

    def _started(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise AssertionError(f"{self.log.stem} ended instead of starting:\n{self.text}")
        return self._ready(self.text[self._earlier_output :])

    def kill(self) -> None:
        """Send SIGKILL to all of its processes at once; none can clean up."""
        self._signal(signal.SIGKILL)
        self._ended()

    def pause(self) -> None:
        """Stop it as if the machine slept: it keeps its connections and its memory."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """Stop it with SIGTERM. Does nothing if it is not running."""
        if self._process is None:
            return
        self._signal(signal.SIGCONT)
        # Only to the first process, which stops its children.
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.log.stem} did not stop within {STOP_SECONDS:g} s.") from None
        self._process = None

    def _signal(self, signum: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signum)

    def _ended(self) -> None:
        if self._process is not None:
            self._process.wait(STOP_SECONDS)
            self._process = None


class Stack:
    """An emulated AWS, servers and workers on one database. `more` are settings as environment variables.

    `root`: the checkout whose code servers, workers and commands run. The emulator is always our own.
    """

    def __init__(self, folder: Path, database_url: str, root: Path = ROOT, /, **more: str) -> None:
        self._folder = folder
        self._root = root
        self._processes: list[Process] = []
        aws_port = free_port()
        self.env = environment(database_url, aws_port, **self.settings(aws_port), **more)
        self.aws = EmulatedAws(aws_port)
        self.emulator = self.create_emulator(aws_port)
        self._processes.append(self.emulator)
        self.web, self.web_api = self.server("web")
        self.worker = self.another_worker("worker")

    def settings(self, aws_port: int) -> dict[str, str]:
        """Settings that this kind of stack has besides `environment`."""
        return {}

    def create_emulator(self, port: int) -> Process:
        command = [sys.executable, "manage.py", "aws_emulator", "--port", str(port)]
        return Process(command, self.env, self._folder / "emulator.log", lambda _: self.aws.up())

    def set_up_ses(self, *, by_worker: bool) -> None:
        """Let the rule set and the bucket be created."""
        if by_worker:
            wait_for(self.aws.is_set_up, within=START_SECONDS, what="the worker has set up the emulator")
        else:
            self.command("ses_setup")

    def server(self, name: str, **more: str) -> tuple[Process, Api]:
        """A production server, as shipped, on its own port, and a client of it."""
        port = free_port()
        api = Api(port)
        command = [str(GUNICORN), "inbound.wsgi"]
        return self._process(name, command, {**self.env, "PORT": str(port), **more}, lambda _: api.up()), api

    def another_worker(self, name: str, **more: str) -> Process:
        return self._manage(name, "ses_worker", ready=lambda said: "is running." in said, **more)

    def command(self, *arguments: str, **more: str) -> str:
        """Run a management command and return its output. Raises CalledProcessError."""
        command = [sys.executable, "manage.py", *arguments]
        env = {**self.env, **more}
        done = subprocess.run(command, env=env, cwd=self._root, capture_output=True, text=True, check=True)
        return done.stdout

    def start(self, *, worker: bool = True) -> None:
        """Start the emulator with its rule set and bucket, the server, and the worker if wanted; wait for all of them."""
        self.emulator.start(wait=False)
        self.web.start(wait=False)
        self.emulator.wait_until_ready()
        if worker:
            self.worker.start()
        self.set_up_ses(by_worker=worker)
        self.web.wait_until_ready()

    def stop(self) -> None:
        """Stop everything, the emulator last, so that running calls get their answers."""
        try:
            for process in reversed(self._processes):
                process.stop()
        finally:
            for process in self._processes:
                process.kill()

    def logs(self) -> Iterator[tuple[str, str]]:
        for process in self._processes:
            yield process.log.stem, process.text

    def _manage(self, name: str, *arguments: str, ready: Callable[[str], bool], **more: str) -> Process:
        return self._process(name, [sys.executable, "manage.py", *arguments], {**self.env, **more}, ready)

    def _process(self, name: str, command: list[str], env: dict[str, str], ready: Callable[[str], bool]) -> Process:
        process = Process(command, env, self._folder / f"{name}.log", ready, self._root)
        self._processes.append(process)
        return process


@contextmanager
def running(stack: Stack, **options: Any) -> Iterator[Stack]:
    """Start the stack, and stop it at the end in any case."""
    try:
        stack.start(**options)
        yield stack
    finally:
        stack.stop()
