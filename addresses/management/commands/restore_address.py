from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from addresses.management.tombstones import tombstone_of
from addresses.models import DeletedAddress, EmailAddress
from addresses.services import RECORDED
from addresses.tombstones.restore import CannotRestore, restore_address
from audit.record import members
from rest.names.arguments import email_address
from ses_integration.api import QuotaExceeded, shared_deadline
from ses_integration.cli.base import SECONDS_PER_DOMAIN, CommandWithExitCodes


class Command(CommandWithExitCodes):
    help = (
        "Restore a deleted address within its grace period, as it was. Exit code 0 when SES has confirmed it, 2 when it is "
        "restored and something is left to do, which the last line says, 1 when it cannot be restored or on an error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", metavar="ADDRESS", type=email_address, help="an email address")
        parser.add_argument("--json", action="store_true", help="print JSON: the address, and `warning`")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["address"]
        tombstone = tombstone_of(name)
        try:
            with shared_deadline(SECONDS_PER_DOMAIN):
                change = restore_address(tombstone)
        except (CannotRestore, QuotaExceeded) as error:
            raise CommandError(f"{name} was not restored. {error}") from error
        except (DeletedAddress.DoesNotExist, EmailAddress.DoesNotExist) as error:
            raise CommandError(f"{name} was lifted or deleted again meanwhile.") from error
        if options["json"]:
            row = change.address
            shown = {"id": row.pk, "address": name, "domainId": row.domain_id, **members(row, *RECORDED)}
            self.stdout.write(json.dumps(shown | {"warning": change.warning}, indent=2))
        else:
            self.stdout.write(f"{name} is restored. {change.warning or 'SES has confirmed it.'}")
        if change.warning:
            raise SystemExit(2)
