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
from django.core.management.base import CommandError
from django.db import connections

from inbound.demo import readiness
from inbound.demo.environment import HOST, DemoEnvironment, DemoError, write_private
from inbound.demo.processes import Processes, read_procfile
from inbound.demo.published import publish_records
from inbound.demo.seed import Account, seed
from inbound.settings import BASE_DIR
from inbound.worker import run_auto_setup
from ses_integration.api import SesSweeper
from ses_integration.cli.base import CommandWithExitCodes

# In the Procfile.
MAIL_WORKER = "mail"
READY_SECONDS = 60
POLL_SECONDS = 0.1


class Stopped(Exception):
    """The demo received a signal to stop."""


class Command(CommandWithExitCodes):
    help = (
        "Run everything on this machine to try it: an emulated AWS, the production server, the workers and a demo account. "
        "PORT, AWS_EMULATOR_PORT, DEMO_DNS_PORT and DEMO_SMTP_PORT set the ports, DEMO_DIR the folder for the data, and "
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
        _check_port(demo.smtp_port, "DEMO_SMTP_PORT")
        demo.values_file.unlink(missing_ok=True)
        commands = read_procfile(BASE_DIR / "Procfile")
        try:
            with Processes(BASE_DIR) as processes:
                self._say("Starting the AWS emulator, preparing the database …")
                ports = f"--port {demo.emulator_port} --dns-port {demo.dns_port} --smtp-port {demo.smtp_port}"
                processes.start("emulator", f"python manage.py aws_emulator {ports} --pending-identities")
                call_command("migrate", verbosity=0, interactive=False)
                account = seed(demo)
                self._wait(processes, "The AWS emulator does not answer.", lambda: readiness.emulator_answers(demo))
                publish_records(demo)
                # Only a sweep detects that a new emulator is empty. Without it, SES would look up to date.
                run_auto_setup()
                SesSweeper(settings.SES_SWEEP_SECONDS).sweep()
                self._say("Starting the server and the workers …")
                for name, command in commands.items():
                    processes.start(name, command)
                self._wait(processes, "The server does not answer.", lambda: readiness.api_answers(demo, account))
                self._wait(processes, "SES is not up to date.", lambda: _up_to_date(demo))
                self._wait(processes, "SES accepts no mail.", lambda: readiness.mail_is_accepted(demo))
                connections.close_all()
                _write_values(demo, account, processes)
                self._say(readiness.announcement(demo, account, seconds=time.monotonic() - started))
                while True:
                    if self._poll(processes):
                        _write_values(demo, account, processes)
        finally:
            demo.values_file.unlink(missing_ok=True)

    def _wait(self, processes: Processes, problem: str, answered: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not answered():
            if time.monotonic() > deadline:
                raise DemoError(f"{problem} The demo waited {READY_SECONDS} seconds; see the messages above.")
            self._poll(processes)

    def _poll(self, processes: Processes) -> bool:
        """Wait a moment. Whether a process has been replaced meanwhile. Raises DemoError for one that has ended."""
        # Sleep and check a flag: a lock shared with a signal handler could deadlock.
        time.sleep(POLL_SECONDS)
        if self._stopping:
            self._say("Stopping …")
            raise Stopped
        name = processes.ended()
        if name == MAIL_WORKER and processes.was_killed(name):
            # docs/try-it.md kills it. If the demo stopped, the emulator would forget the mail that the worker has to find again.
            self._say("The mail worker was killed; starting another one …")
            processes.restart(name)
            return True
        if name:
            raise DemoError(f"The process {name} has ended, so the demo stops; see the messages above.")
        return False

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


def _write_values(demo: DemoEnvironment, account: Account, processes: Processes) -> None:
    """Write `demo.env`, also with the processes that docs/try-it.md kills: a search would find those of other demos, too."""
    pids = {"WORKER_PID": processes.pid("worker"), "MAIL_WORKER_PID": processes.pid(MAIL_WORKER)}
    values = readiness.values(demo, account) | {name: str(pid) for name, pid in pids.items()}
    write_private(demo.values_file, "".join(f"{name}={value}\n" for name, value in values.items()))


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
