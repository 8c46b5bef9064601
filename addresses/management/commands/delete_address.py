from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from addresses import deletion, deletion_plan
from addresses.api.serializers import AddressDeletionSerializer
from addresses.models import EmailAddress
from backoffice.text import moment
from domains.management import planned
from rest.names.arguments import email_address
from ses_integration.api import shared_deadline
from ses_integration.cli.base import SECONDS_PER_DOMAIN, CommandWithExitCodes


class Command(CommandWithExitCodes):
    help = (
        "Delete an email address. Shows the plan, and wants the address typed. Exit code 0 when SES has confirmed it, or the "
        "answer was no, 2 when it is still pending, 1 on an error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", metavar="ADDRESS", type=email_address, help="an email address")
        planned.add_arguments(parser)
        parser.add_argument(
            "--permanent",
            action="store_true",
            help="without a grace period: it cannot be restored, and leaves no tombstone",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name, permanent = options["address"], options["permanent"]
        row = EmailAddress.objects.live().select_related("domain", "endpoint").filter(address=name).first()
        if row is None:
            raise CommandError(f"There is no email address {name!r}.")
        token = planned.confirmed_token(
            self, options, name, lambda: deletion_plan.plan_of(row, permanent=permanent), email_address
        )
        try:
            with planned.plan_errors_as_command_errors(), shared_deadline(SECONDS_PER_DOMAIN):
                outcome = deletion.delete_address(row, plan_token=token, permanent=permanent)
        except EmailAddress.DoesNotExist as error:
            raise CommandError(f"{name} has already been deleted.") from error
        if options["json"]:
            self.stdout.write(json.dumps(AddressDeletionSerializer(outcome).data, indent=2))
        else:
            until = outcome.restorable_until
            restoring = f" Until {moment(until)}, restore_address restores it." if until else ""
            self.stdout.write(f"{name} is deleted. {outcome.warning or 'SES has confirmed it.'}{restoring}")
        if not outcome.removed_from_ses:
            raise SystemExit(2)
