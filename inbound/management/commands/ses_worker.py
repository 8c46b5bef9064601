from __future__ import annotations

import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from domains.models import DomainDeletion
from inbound.worker import CONVERGE, PROVE, REFRESH, RESUME, Turn, Worker
from ses_integration.api import pending_names

DONE = {
    CONVERGE: ("worked on {}", "domain"),
    REFRESH: ("asked SES for the status of {}", "domain"),
    RESUME: ("went on with {}", "deletion"),
    PROVE: ("looked at the proof of {}", "deletion"),
}


class Command(BaseCommand):
    help = (
        "Bring SES into line with the database, finish deletions, and sweep, until it is stopped. "
        "Any number may run, on any number of machines: they take turns."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="do what is due now, say what that was and what is still owed, and end"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        worker = Worker()
        if options["once"]:
            turn = worker.tick()
            self.stdout.write(f"{_done(turn)} {_left()}")
            return
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: worker.stop())
        self.stdout.write("The SES worker is running.")
        worker.run()
        self.stdout.write("The SES worker has stopped.")


def _done(turn: Turn) -> str:
    done = [
        text.format(_number(turn.counts[step], noun)) for step, (text, noun) in DONE.items() if turn.counts.get(step)
    ]
    said = f"{', '.join(done) or 'nothing was due'}."
    failed = f" Failed, see the log: {', '.join(turn.failed)}." if turn.failed else ""
    return said[0].upper() + said[1:] + failed


def _left() -> str:
    domains, deletions = pending_names().count(), DomainDeletion.objects.pending().count()
    left = [
        *([f"{_number(domains, 'domain')} (see ses_status)"] if domains else []),
        *([f"{_number(deletions, 'deletion')} (see ses_cleanup)"] if deletions else []),
    ]
    return f"Still owed: {', '.join(left)}." if left else "Nothing is owed."


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
