from __future__ import annotations

import signal
from argparse import ArgumentParser
from typing import Any

from backoffice.text import plural
from domains.models import DomainDeletion
from inbound.worker import CHECK, RECONCILE, RESUME, VERIFY, Round, Worker
from ses_integration.api import SyncState
from ses_integration.cli.base import CommandWithExitCodes
from workers.heartbeat import Heartbeat
from workers.metrics import serve_metrics
from workers.models import WorkerKind

DONE = {
    RECONCILE: ("updated {}", "domain"),
    CHECK: ("checked the verification of {}", "domain"),
    RESUME: ("continued {}", "deletion"),
    VERIFY: ("verified {}", "deletion"),
}


class Command(CommandWithExitCodes):
    help = (
        "Keep SES up to date with the database, finish deletions and sweep, until it is stopped. "
        "Any number of workers may run, on any number of machines. They coordinate through the database. "
        "Exit code 0 when it was stopped, 1 on an error. With --once, 0 when nothing is pending, 2 when something failed or is "
        "still pending."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--once",
            action="store_true",
            help="do what is due now, print what was done and what is still pending, and exit",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            result = Worker().tick()
            pending = _pending()
            still = f"Still pending: {', '.join(pending)}." if pending else "Nothing is pending."
            self.stdout.write(f"{_done(result)} {still}")
            if result.failed or pending:
                raise SystemExit(2)
            return
        serve_metrics()
        with Heartbeat(WorkerKind.SES) as heartbeat:
            worker = Worker(heartbeat)
            for name in (signal.SIGTERM, signal.SIGINT):
                signal.signal(name, lambda *_: worker.stop())
            self.stdout.write("The SES worker is running.")
            worker.run()
        self.stdout.write("The SES worker has stopped.")


def _done(result: Round) -> str:
    done = [
        text.format(plural(result.counts[task], noun)) for task, (text, noun) in DONE.items() if result.counts.get(task)
    ]
    sentence = f"{', '.join(done) or 'nothing was due'}."
    failed = f" Failed, see the log: {', '.join(result.failed)}." if result.failed else ""
    return sentence[0].upper() + sentence[1:] + failed


def _pending() -> list[str]:
    domains, deletions = SyncState.pending_names().count(), DomainDeletion.objects.under_way().count()
    return [
        *([f"{plural(domains, 'domain')} (see ses_status)"] if domains else []),
        *([f"{plural(deletions, 'deletion')} (see list_deletions)"] if deletions else []),
    ]
