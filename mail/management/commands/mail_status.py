from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from backoffice.tables import table
from mail.status import wording
from mail.status.figures import mail_status
from ses_integration.cli.base import CommandWithExitCodes


class Command(CommandWithExitCodes):
    help = (
        "Show what waits: mail to read, to deliver and to erase; what is dead, quarantined or blocked; and which endpoints do not "
        "take their mail, since when and why. Reads the database, and asks AWS only for the length of the queue. Exit code 0 when "
        "nothing waits and nothing needs you, 2 otherwise."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        status = mail_status()
        if options["json"]:
            self.stdout.write(json.dumps(wording.values(status), indent=2))
        else:
            for line in wording.sentences(status):
                self.stdout.write(line)
            if status.endpoints:
                rows = [wording.row(endpoint, status.at) for endpoint in status.endpoints]
                self.stdout.write("\n" + table(wording.HEAD, rows) + "\n")
            self.stdout.write(wording.conclusion(status))
        if status.is_pending or status.needs_attention:
            raise SystemExit(2)
