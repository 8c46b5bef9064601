from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from addresses.management.tombstones import tombstone_of
from addresses.models import DeletedAddress
from addresses.tombstones import period
from addresses.tombstones.restore import CannotRestore
from backoffice.shell.arguments import at_least_one
from backoffice.text import moment
from domains.grace.period import TooLong
from rest.names.arguments import email_address
from ses_integration.cli.base import CommandWithExitCodes


class Command(CommandWithExitCodes):
    help = (
        "Extend the time in which a deleted address can be restored, or end it now. A catch-all does not get its mail either way. "
        "Exit code 0 when that is done, 1 on an error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", metavar="ADDRESS", type=email_address, help="an email address")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--extend", metavar="DAYS", type=at_least_one, help="let it end so many days later")
        what.add_argument("--end", action="store_true", help="end it now")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["address"]
        tombstone = tombstone_of(name)
        try:
            if options["end"]:
                period.end(tombstone)
                self.stdout.write(f"{name} cannot be restored any more.")
            else:
                until = period.extend(tombstone, days=options["extend"])
                self.stdout.write(f"{name} can be restored until {moment(until)}.")
        except (CannotRestore, TooLong) as error:
            raise CommandError(f"{name}: {error}") from error
        except DeletedAddress.DoesNotExist as error:
            raise CommandError(f"{name} was restored, added again or lifted meanwhile.") from error
