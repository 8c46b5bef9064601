from __future__ import annotations

import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from inbound.worker import Worker


class Command(BaseCommand):
    help = (
        "Bring SES into line with the database, finish deletions, and sweep, until it is stopped. "
        "Any number may run, on any number of machines: they take turns."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="do what is due now, and end")

    def handle(self, *args: Any, **options: Any) -> None:
        worker = Worker()
        if options["once"]:
            worker.tick()
            return
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: worker.stop())
        self.stdout.write("The SES worker is running.")
        worker.run()
        self.stdout.write("The SES worker has stopped.")
