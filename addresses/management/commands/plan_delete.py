from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import CommandError
from rest_framework.serializers import BaseSerializer

from addresses import deletion_plan
from addresses.api.serializers import AddressPlanSerializer
from addresses.models import EmailAddress
from domains.api.deletion_serializers import DeletionPlanSerializer
from domains.deletion_plan import build, parts
from domains.models import Domain
from rest.deletion.plan import Plan
from rest.names.arguments import domain_or_address
from ses_integration.cli.base import CommandWithExitCodes

# The normalised name, its plan, and the plan's serializer.
Found = tuple[str, Plan[Any, Any], type[BaseSerializer[Any]]]


class Command(CommandWithExitCodes):
    help = (
        "Show what deleting a domain or an address would do: receipt rules, identity, rows, stored mail, what stays, what "
        "is left in DNS, and the calls to SES. Asks S3 and DNS, reads SES's side from the ledger, and changes nothing. "
        "Exit code 0 when the whole plan is certain, 2 when something is unconfirmed or could not be looked up, 1 on an "
        "error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME_OR_ADDRESS", help="for example example.com or hello@example.com")
        parser.add_argument("--permanent", action="store_true", help="of a deletion without a grace period")
        parser.add_argument("--json", action="store_true", help="print what the API answers, with the plan's token")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            name = domain_or_address(options["name"])
        except ArgumentTypeError as error:
            raise CommandError(f"There is no domain or email address {options['name']!r}: {error}.") from error
        permanent = options["permanent"]
        found, plan, serializer = _address(name, permanent) if "@" in name else _domain(name, permanent)
        as_json = json.dumps(serializer(plan.as_values()).data, indent=2)
        self.stdout.write(as_json if options["json"] else parts.as_text(found, plan))
        if not plan.certain:
            raise SystemExit(2)


def _domain(name: str, permanent: bool) -> Found:
    try:
        domain = Domain.objects.select_related("owner").get(name=name)
    except Domain.DoesNotExist as error:
        raise CommandError(f"There is no domain {name!r}.") from error
    return domain.name, build.plan_of(domain, permanent=permanent), DeletionPlanSerializer


def _address(name: str, permanent: bool) -> Found:
    rows = EmailAddress.objects.live().select_related("domain", "endpoint")
    try:
        address = rows.get(address=name)
    except EmailAddress.DoesNotExist as error:
        raise CommandError(f"There is no email address {name!r}.") from error
    return address.address, deletion_plan.plan_of(address, permanent=permanent), AddressPlanSerializer
