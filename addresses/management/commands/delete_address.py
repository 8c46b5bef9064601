from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import CommandError

from addresses import deletion, deletion_plan
from addresses.api.serializers import AddressDeletionSerializer
from addresses.models import EmailAddress
from domains.management import planned
from rest.names.arguments import domain_or_address
from ses_integration.api import shared_deadline
from ses_integration.cli.base import SECONDS_PER_DOMAIN, CommandWithExitCodes


def email_address(text: str) -> str:
    address = domain_or_address(text)
    if "@" not in address:
        raise ArgumentTypeError(f"{text!r} is not an email address such as hello@example.com")
    return address


class Command(CommandWithExitCodes):
    help = (
        "Delete an email address. Shows the plan, and wants the address typed. Exit code 0 when SES has confirmed it, or the "
        "answer was no, 2 when it is still pending, 1 on an error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", metavar="ADDRESS", type=email_address, help="an email address")
        planned.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["address"]
        row = EmailAddress.objects.live().select_related("domain", "endpoint").filter(address=name).first()
        if row is None:
            raise CommandError(f"There is no email address {name!r}.")
        token = planned.confirmed_token(self, options, name, lambda: deletion_plan.plan_of(row), email_address)
        try:
            with planned.plan_errors_as_command_errors(), shared_deadline(SECONDS_PER_DOMAIN):
                outcome = deletion.delete_address(row, plan_token=token)
        except EmailAddress.DoesNotExist as error:
            raise CommandError(f"{name} has already been deleted.") from error
        if options["json"]:
            self.stdout.write(json.dumps(AddressDeletionSerializer(outcome).data, indent=2))
        else:
            self.stdout.write(f"{name} is deleted. {outcome.warning or 'SES has confirmed it.'}")
        if not outcome.removed_from_ses:
            raise SystemExit(2)
