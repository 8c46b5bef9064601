from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from addresses.management.tombstones import tombstone_of
from addresses.tombstones.lift import lift
from backoffice.shell.asking import NOTHING_DONE, agreed
from rest.names.arguments import email_address
from ses_integration.cli.base import CommandWithExitCodes


class Command(CommandWithExitCodes):
    help = (
        "Let a catch-all receive for a deleted address again. The address cannot be restored any more. Exit code 0 on success "
        "or when the answer was no, 1 on an error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", metavar="ADDRESS", type=email_address, help="an email address")
        parser.add_argument("--yes", action="store_true", help="do not ask. Without a terminal it is required")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["address"]
        tombstone = tombstone_of(name)
        if not options["yes"] and not agreed(self, f"{name} cannot be restored then. Lift it?"):
            self.stdout.write(NOTHING_DONE)
            return
        if not lift(tombstone):
            raise CommandError(f"{name} was restored, added again or lifted meanwhile.")
        self.stdout.write(f"{name} is lifted: a catch-all receives its mail again.")
