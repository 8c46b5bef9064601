from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from backoffice.shell.arguments import at_least_one
from backoffice.shell.asking import NOTHING_DONE, agreed
from backoffice.text import moment
from domains.deletion.record import warning
from domains.grace import end
from domains.grace.period import NotInGrace, TooLong
from domains.management.deletions import DELETION_HELP, deletion_of, is_done, state_of
from domains.models import DomainDeletion
from ses_integration.api import shared_deadline
from ses_integration.cli.base import SECONDS_PER_DOMAIN, CommandWithExitCodes

FOR_GOOD = "The identity, the rows and all mail are then deleted for good. Go on?"


class Command(CommandWithExitCodes):
    help = (
        "Extend the grace period of a deleted domain, or end it now, which deletes everything for good and asks first. Exit code 0 "
        "when that is done, or the answer was no, 2 when the period has ended and something is still pending, 1 on an error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("deletion", metavar="NAME", help=DELETION_HELP)
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--extend", metavar="DAYS", type=at_least_one, help="let it end so many days later")
        what.add_argument("--end", action="store_true", help="end it now")
        parser.add_argument("--yes", action="store_true", help="do not ask. Without a terminal it is required")

    def handle(self, *args: Any, **options: Any) -> None:
        deletion = deletion_of(options["deletion"])
        if options["end"]:
            self._end(deletion, options)
            return
        try:
            until = end.extend(deletion, days=options["extend"])
        except (NotInGrace, TooLong) as error:
            raise CommandError(error.sentence) from error
        self.stdout.write(f"{deletion.name} can be restored until {moment(until)}.")

    def _end(self, deletion: DomainDeletion, options: dict[str, Any]) -> None:
        if not deletion.in_grace:
            raise CommandError(
                f"{deletion.name} is not in a grace period. State of its deletion: {state_of(deletion)}."
            )
        self.stdout.write(f"{deletion.name}: {state_of(deletion)}.")
        if not (options["yes"] or agreed(self, FOR_GOOD)):
            self.stdout.write(NOTHING_DONE)
            return
        try:
            with shared_deadline(SECONDS_PER_DOMAIN):
                ended = end.end_now(deletion)
        except NotInGrace as error:
            raise CommandError(error.sentence) from error
        self.stdout.write(f"{ended.name}: {state_of(ended)}.")
        if text := warning(ended):
            self.stdout.write(text)
        if not is_done(ended):
            raise SystemExit(2)
