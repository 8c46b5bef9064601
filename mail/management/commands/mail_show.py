from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from mail.management.ids import CommandWithIds
from mail.management.mails import as_values
from mail.status.story import MOST, find, tell


class Command(CommandWithIds):
    help = (
        "Print everything that is known about one mail: arrival, verdicts, where it is stored, whether it was read, where it went "
        "for each recipient and why, and every attempt to deliver it. Reads the database only. Exit code 0 for success, 1 if "
        "there is no such mail."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "id",
            metavar="ID",
            help="the id of an email or of a delivery (also as msg_…), the message id of SES, or a Message-ID",
        )
        parser.add_argument("--text", action="store_true", help="print the text of the mail as well")
        parser.add_argument("--json", action="store_true", help="print JSON: `mails`, in the API's words")

    def handle(self, *args: Any, **options: Any) -> None:
        found = find(options["id"].strip())
        if not found:
            raise CommandError(
                "No mail has this id. It may have been erased, its domain deleted, or its notification lost: mail_worker --once "
                "--sweep compares the bucket with the database."
            )
        if options["json"]:
            mails = [as_values(message, with_text=options["text"]) for message in found]
            self.stdout.write(json.dumps({"mails": mails}, indent=2))
        else:
            self.stdout.write("\n\n".join(tell(message, with_text=options["text"]) for message in found))
        if len(found) == MOST:
            self.stderr.write(f"Only the newest {MOST} are shown.", style_func=str)
