from __future__ import annotations

import argparse
import signal
from typing import Any

from django.core.management.base import CommandParser

from mail.worker.report import done, pending
from mail.worker.worker import MailWorker
from ses_integration.cli.base import CommandWithExitCodes
from workers.heartbeat import Heartbeat
from workers.metrics import serve_metrics
from workers.models import WorkerKind

NONE = "MAIL_SOURCE is none: stored mail is left alone, and only erased when it has to be; deliveries are made."


def number(text: str) -> int:
    """At least one thread, and not more than a process has any use for."""
    value = int(text)
    if not 1 <= value <= 32:
        raise argparse.ArgumentTypeError("must be from 1 to 32")
    return value


class Command(CommandWithExitCodes):
    help = (
        "Take notifications of stored mail, read the mail, deliver it, sweep the bucket and erase, until it is stopped. "
        "Any number of workers may run, on any number of machines. "
        "Exit code 0 if it was stopped or nothing is left, 1 for an error, 2 with --once if something is left."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--once",
            action="store_true",
            help="do what is due now, print what was done and what is left, and exit; 2 if something is left",
        )
        parser.add_argument(
            "--sweep",
            action="store_true",
            help="compare the whole bucket with the database now, also what has just been stored",
        )
        parser.add_argument(
            "--receivers", type=number, metavar="N", default=1, help="threads that take notifications (default: 1)"
        )
        parser.add_argument(
            "--parsers",
            type=number,
            metavar="N",
            default=2,
            help="threads that read mail, each with a process (default: 2)",
        )

        parser.add_argument(
            "--senders",
            type=number,
            metavar="N",
            default=16,
            help="deliveries at the same time, slow ones aside (default: 16)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        names = ("receivers", "parsers", "senders")
        worker = MailWorker(**{name: options[name] for name in names}, sweep_now=options["sweep"])
        if options["once"]:
            self._once(worker, sweep=options["sweep"])
            return
        serve_metrics()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: worker.stop())
        self.stdout.write(f"The mail worker is running. {NONE if worker.source == 'none' else ''}".rstrip())
        with Heartbeat(WorkerKind.MAIL) as heartbeat:
            worker.run(heartbeat)
        self.stdout.write("The mail worker has stopped.")

    def _once(self, worker: MailWorker, *, sweep: bool) -> None:
        counts = worker.run_once(sweep=sweep)
        left = pending(worker.source, swept=sweep)
        sentences = [
            NONE if worker.source == "none" else "",
            done(counts),
            *(f"Failed: {sentence}" for sentence in worker.troubles.sentences),
            f"Still pending: {', '.join(left)}." if left else "Nothing is pending.",
        ]
        self.stdout.write(" ".join(filter(None, sentences)))
        if left or worker.troubles.sentences:
            raise SystemExit(2)
