from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
import sys
import time
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from inbound.demo import readiness
from inbound.demo.environment import HOST, DemoEnvironment, DemoError, write_private
from inbound.demo.processes import Processes, read_procfile
from inbound.demo.published import publish_records
from inbound.demo.seed import seed
from inbound.settings import BASE_DIR
from inbound.worker import run_auto_setup
from ses_integration.api import SesSweeper

READY_SECONDS = 60
POLL_SECONDS = 0.1


class Stopped(Exception):
    """The demo received a signal to stop."""


class Command(BaseCommand):
    help = (
        "Run everything on this machine to try it: an emulated AWS, the production server, the worker and a demo account. "
        "PORT, AWS_EMULATOR_PORT and DEMO_DNS_PORT set the ports, DEMO_DIR the folder for the data, and "
        "DEMO_DATABASE_URL a database other than SQLite in that folder. It never uses a real AWS account."
    )
    # They would check the developer's environment, not the demo's.
    requires_system_checks: list[str] = []

    _stopping = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--prepared", action="store_true", help=SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            demo = DemoEnvironment.from_variables(os.environ)
            demo.make_folder()
            if not options["prepared"]:
                # Settings are read once, so start this command again with the demo's variables.
                again = [sys.executable, str(BASE_DIR / "manage.py"), "demo", "--prepared"]
                os.execve(sys.executable, again, demo.variables(os.environ))  # noqa: S606
            for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(name, self._stop)
            with _locked(demo):
                self._run(demo)
        except DemoError as error:
            raise CommandError(str(error)) from error
        except Stopped:
            return

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _run(self, demo: DemoEnvironment) -> None:
        started = time.monotonic()
        # Check the ports before removing the file: it describes a killed demo whose processes still hold them.
        _check_port(demo.web_port, "PORT")
        _check_port(demo.emulator_port, "AWS_EMULATOR_PORT")
        _check_port(demo.dns_port, "DEMO_DNS_PORT")
        _check_port(demo.dns_port, "DEMO_DNS_PORT", socket.SOCK_DGRAM)
        demo.values_file.unlink(missing_ok=True)
        commands = read_procfile(BASE_DIR / "Procfile")
        try:
            with Processes(BASE_DIR) as processes:
                self._say("Starting the AWS emulator, preparing the database …")
                ports = f"--port {demo.emulator_port} --dns-port {demo.dns_port}"
                processes.start("emulator", f"python manage.py aws_emulator {ports} --pending-identities")
                call_command("migrate", verbosity=0, interactive=False)
                account = seed(demo)
                self._wait(processes, "The AWS emulator does not answer.", lambda: readiness.emulator_answers(demo))
                publish_records(demo)
                # Only a sweep detects that a new emulator is empty. Without it, SES would look up to date.
                run_auto_setup()
                SesSweeper(settings.SES_SWEEP_SECONDS).sweep()
                self._say("Starting the server and the worker …")
                for name, command in commands.items():
                    processes.start(name, command)
                self._wait(processes, "The server does not answer.", lambda: readiness.api_answers(demo, account))
                self._wait(processes, "SES is not up to date.", lambda: _up_to_date(demo))
                connections.close_all()
                # docs/try-it.md kills the worker. A search by command line would find every worker of this machine.
                values = readiness.values(demo, account) | {"WORKER_PID": str(processes.pid("worker"))}
                write_private(demo.values_file, "".join(f"{name}={value}\n" for name, value in values.items()))
                self._say(readiness.announcement(demo, account, seconds=time.monotonic() - started))
                while True:
                    self._poll(processes)
        finally:
            demo.values_file.unlink(missing_ok=True)

    def _wait(self, processes: Processes, problem: str, answered: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not answered():
            if time.monotonic() > deadline:
                raise DemoError(f"{problem} The demo waited {READY_SECONDS} seconds; see the messages above.")
            self._poll(processes)

    def _poll(self, processes: Processes) -> None:
        # Sleep and check a flag: a lock shared with a signal handler could deadlock.
        time.sleep(POLL_SECONDS)
        if self._stopping:
            raise Stopped
        if name := processes.ended():
            raise DemoError(f"The process {name} has ended, so the demo stops; see the messages above.")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


@contextmanager
def _locked(demo: DemoEnvironment) -> Iterator[None]:
    """Allow one demo per folder: two would update different emulators from the same database."""
    with Path(demo.folder, "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(f"The demo is running already: {demo.values_file} says where.") from None
        yield


def _up_to_date(demo: DemoEnvironment) -> bool:
    """Whether SES has verified the demo's domain. Its records with SES's tokens are known once SES has it."""
    publish_records(demo)
    return readiness.ses_up_to_date()


def _check_port(port: int, variable: str, kind: socket.SocketKind = socket.SOCK_STREAM) -> None:
    with socket.socket(type=kind) as probe:
        # As servers do, ignore connections in TIME_WAIT.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise DemoError(f"Port {port} {reason}: stop what uses it, or choose another with {variable}=….") from None
