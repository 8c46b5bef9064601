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

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from inbound.demo import readiness
from inbound.demo.place import HOST, Place, Unusable, write_private
from inbound.demo.processes import Processes, read_procfile
from inbound.demo.seed import seed
from inbound.settings import BASE_DIR
from inbound.worker import prepare
from ses_integration.api import sweep_ses

READY_SECONDS = 60
LOOK_SECONDS = 0.1


class Stopped(Exception):
    """Somebody asked the demo to stop."""


class Command(BaseCommand):
    help = (
        "Run everything on this machine to try it: an emulated AWS, the production server, the worker and a demo account. "
        "PORT and AWS_EMULATOR_PORT choose the ports, DEMO_DIR the folder that keeps the data, and DEMO_DATABASE_URL "
        "another database than SQLite in that folder. No real AWS account is touched."
    )
    # They would be about the developer's environment, not about the demo's.
    requires_system_checks: list[str] = []

    _stop_asked = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--prepared", action="store_true", help=SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            place = Place.named_by(os.environ)
            if not options["prepared"]:
                # Settings are read once, so the demo's have to be there before this program starts.
                again = [sys.executable, str(BASE_DIR / "manage.py"), "demo", "--prepared"]
                os.execve(sys.executable, again, place.environment(os.environ))  # noqa: S606
            for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(name, self._ask_to_stop)
            with _alone(place):
                self._run(place)
        except Unusable as error:
            raise CommandError(str(error)) from error
        except Stopped:
            return

    def _ask_to_stop(self, *_: object) -> None:
        self._stop_asked = True

    def _run(self, place: Place) -> None:
        started = time.monotonic()
        place.values_file.unlink(missing_ok=True)
        _refuse_taken(place.web_port, "PORT")
        _refuse_taken(place.emulator_port, "AWS_EMULATOR_PORT")
        commands = read_procfile(BASE_DIR / "Procfile")
        try:
            with Processes(BASE_DIR) as processes:
                self._say("Starting the AWS emulator, preparing the database …")
                processes.start("emulator", f"python manage.py aws_emulator --port {place.emulator_port}")
                call_command("migrate", verbosity=0, interactive=False)
                account = seed(place)
                self._wait(processes, "The AWS emulator does not answer.", lambda: readiness.emulator_answers(place))
                # The emulator forgets when it stops, and only a sweep tells. Now, so that "in line" means with this one.
                prepare()
                sweep_ses()
                self._say("Starting the server and the worker …")
                for name, command in commands.items():
                    processes.start(name, command)
                self._wait(processes, "The server does not answer.", lambda: readiness.api_answers(place, account))
                self._wait(processes, "SES has not followed the database.", readiness.ses_in_line)
                connections.close_all()
                values = readiness.values(place, account)
                write_private(place.values_file, "".join(f"{name}={value}\n" for name, value in values.items()))
                self._say(readiness.announcement(place, account, seconds=time.monotonic() - started))
                while True:
                    self._look(processes)
        finally:
            place.values_file.unlink(missing_ok=True)

    def _wait(self, processes: Processes, problem: str, answered: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not answered():
            if time.monotonic() > deadline:
                raise Unusable(f"{problem} The demo has waited {READY_SECONDS} seconds for it; see the messages above.")
            self._look(processes)

    def _look(self, processes: Processes) -> None:
        # A sleep and a flag: a lock that a signal handler shares with what it interrupts can block for ever.
        time.sleep(LOOK_SECONDS)
        if self._stop_asked:
            raise Stopped
        if name := processes.ended():
            raise Unusable(f"The process {name} has ended, so the demo ends too; see the messages above.")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


@contextmanager
def _alone(place: Place) -> Iterator[None]:
    """Two demos on one database would each tell another emulator to follow it."""
    with Path(place.folder, "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unusable(f"The demo is running already: {place.values_file} says where.") from None
        yield


def _refuse_taken(port: int, variable: str) -> None:
    with socket.socket() as probe:
        # As servers do: a connection that has just ended does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise Unusable(f"Port {port} {reason}: stop what uses it, or choose another with {variable}=….") from None
