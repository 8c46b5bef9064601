"""Runs the AWS emulator as a process of its own."""

from __future__ import annotations

import errno
import os
import signal
from argparse import ArgumentTypeError
from types import FrameType
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ses_integration.emulator.server import Emulator

DEFAULT_PORT = "5599"


def port_number(text: str) -> int:
    """A TCP port, for argparse."""
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise ArgumentTypeError(f"{text!r} is not a port: a number from 0 (any free one) to 65535.")
    return int(text)


def pace(text: str) -> float:
    """Calls a second, for argparse."""
    try:
        value = float(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a number.") from error
    if not 0 <= value < float("inf"):
        raise ArgumentTypeError("It is a number from 0 (no limit).")
    return value


class Command(BaseCommand):
    """Serves until SIGTERM or Ctrl-C."""

    help = (
        "Runs an AWS on this machine to develop and test against: SES receiving, S3, SNS, Lambda and STS. "
        "It keeps everything in memory and listens on loopback only. Point AWS_ENDPOINT_URL at the address it prints."
    )
    # It needs neither a database nor a configured project.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="A loopback address. Default: %(default)s.")
        parser.add_argument(
            "--port",
            metavar="N",
            type=port_number,
            default=os.environ.get("AWS_EMULATOR_PORT") or DEFAULT_PORT,
            help="0 takes any free one. Default: AWS_EMULATOR_PORT, else " + DEFAULT_PORT + ".",
        )
        parser.add_argument(
            "--calls-per-second",
            metavar="N",
            type=pace,
            help="Answer SES calls that come faster with a throttling error, as AWS does above 1. Default: no limit.",
        )
        parser.add_argument(
            "--pending-identities",
            action="store_true",
            help="New identities wait for verification. Default: they are verified at once.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, _end)
        signal.signal(signal.SIGINT, _end)
        try:
            emulator = Emulator(
                host=options["host"],
                port=options["port"],
                calls_per_second=options["calls_per_second"],
                verify_new=not options["pending_identities"],
            )
            emulator.start()
        except ValueError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(_why(error, options["host"], options["port"])) from error
        try:
            self.stdout.write(f"AWS emulator: {emulator.url}")
            self.stdout.flush()
            emulator.serve_forever()
        finally:
            emulator.stop()


def _end(signum: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use: stop what listens there, or give another --port."
    return f"The emulator cannot listen on {host} port {port}: {error.strerror}."
