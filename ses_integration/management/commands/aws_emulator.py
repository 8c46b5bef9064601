"""Run the AWS emulator as a process."""

from __future__ import annotations

import errno
import os
import signal
from argparse import ArgumentTypeError
from types import FrameType
from typing import Any, NoReturn

from django.core.management.base import CommandError, CommandParser

from ses_integration.cli.base import CommandWithExitCodes
from ses_integration.emulator.dns.server import HOST, DnsPortError
from ses_integration.emulator.receiving.smtp import SmtpPortError
from ses_integration.emulator.server import Emulator

DEFAULT_PORT = "5599"


def port_number(text: str) -> int:
    """A TCP port, for argparse."""
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise ArgumentTypeError(f"{text!r} is not a port: a number from 0 (any free one) to 65535.")
    return int(text)


def calls_per_second(text: str) -> float:
    """A rate limit, for argparse."""
    try:
        value = float(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a number.") from error
    if not 0 <= value < float("inf"):
        raise ArgumentTypeError("It is a number from 0 (no limit).")
    return value


class Command(CommandWithExitCodes):
    """Serve until SIGTERM or SIGINT."""

    help = (
        "Run an emulated AWS on this machine, for development and tests: SES receiving, S3, SNS, SQS, Lambda and STS. "
        "It keeps everything in memory and listens on loopback. Set AWS_ENDPOINT_URL to the address it prints."
    )
    # It needs neither a database nor valid settings.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="A loopback address. Default: %(default)s.")
        parser.add_argument(
            "--any-host",
            action="store_true",
            help="Also take a --host that is not loopback, in a network of containers. Whoever reaches it may use it.",
        )
        parser.add_argument(
            "--port",
            metavar="N",
            type=port_number,
            default=os.environ.get("AWS_EMULATOR_PORT") or DEFAULT_PORT,
            help="0 chooses a free port. Default: AWS_EMULATOR_PORT, or " + DEFAULT_PORT + ".",
        )
        parser.add_argument(
            "--calls-per-second",
            metavar="N",
            type=calls_per_second,
            help="Refuse faster SES calls with a throttling error, as AWS does above 1. Default: no limit.",
        )
        parser.add_argument(
            "--pending-identities",
            action="store_true",
            help="New identities are pending until their DNS records are published. Default: verified at once.",
        )
        parser.add_argument(
            "--dns-port",
            metavar="N",
            type=port_number,
            help="Also serve the records of POST /_dns on 127.0.0.1, over UDP and TCP; 0 chooses a free port.",
        )

        parser.add_argument(
            "--smtp-port",
            metavar="N",
            type=port_number,
            help="Also receive mail for its receipt rules on 127.0.0.1, over SMTP; 0 chooses a free port.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, _exit)
        signal.signal(signal.SIGINT, _exit)
        try:
            emulator = Emulator(
                host=options["host"],
                any_host=options["any_host"],
                port=options["port"],
                calls_per_second=options["calls_per_second"],
                verify_new=not options["pending_identities"],
                dns_port=options["dns_port"],
                smtp_port=options["smtp_port"],
            )
            emulator.start()
        except ValueError as error:
            raise CommandError(str(error)) from error
        except DnsPortError as error:
            raise CommandError(_listen_error(error, HOST, options["dns_port"], "--dns-port")) from error
        except SmtpPortError as error:
            raise CommandError(_listen_error(error, HOST, options["smtp_port"], "--smtp-port")) from error
        except OSError as error:
            raise CommandError(_listen_error(error, options["host"], options["port"], "--port")) from error
        try:
            self.stdout.write(f"AWS emulator: {emulator.url}")
            if emulator.dns_address:
                self.stdout.write(f"DNS server: {emulator.dns_address}")
            if emulator.smtp_address:
                self.stdout.write(f"SMTP server: {emulator.smtp_address}")
            self.stdout.flush()
            emulator.serve_forever()
        finally:
            emulator.stop()


def _exit(signum: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _listen_error(error: OSError, host: str, port: int, option: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use: stop what uses it, or choose another with {option}."
    return f"The emulator cannot listen on {host} port {port}: {error.strerror}."
