from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from audit.origin import current
from domains.api.deletion_serializers import DeletionSerializer
from domains.deletion import service
from domains.deletion.record import warning
from domains.deletion_plan import build, model
from domains.grace.end import continue_deletion
from domains.grace.period import NotInGrace
from domains.management import planned
from domains.management.deletions import is_done, state_of
from domains.models import Domain, DomainDeletion
from rest.deletion.confirmation import GONE
from rest.names.arguments import domain_name
from ses_integration.api import shared_deadline
from ses_integration.cli.base import SECONDS_PER_DOMAIN, CommandWithExitCodes


class Command(CommandWithExitCodes):
    help = (
        "Delete a domain with everything that belongs to it. Shows the plan, and wants the name typed. A deletion that has "
        "begun is continued. Exit code 0 when everything is done, or waits for the end of a grace period, or the answer was no, "
        "2 when something is still pending, 1 on an error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", type=domain_name, help="a domain's name")
        planned.add_arguments(parser)
        parser.add_argument(
            "--permanent", action="store_true", help="without a grace period; also ends one that has begun"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        record = self._delete(options["name"], options)
        if options["json"]:
            self.stdout.write(json.dumps(DeletionSerializer(record).data, indent=2))
        elif record.in_grace:
            self.stdout.write(
                f"{record.name} is deleted, and {state_of(record)}. restore_domain {record.name} restores it."
            )
            self.stdout.write(warning(record) or "SES has confirmed that it receives nothing for it any more.")
            self.stdout.write(f"show_deletion {record.pk} shows the report.")
        else:
            counts = model.row_counts(record.blocked_emails, record.email_addresses, record.dns_records)
            self.stdout.write(f"{record.name} is deleted from the database, with {counts}.")
            self.stdout.write(warning(record) or "SES has confirmed the deletion. A worker verifies it.")
            self.stdout.write(f"show_deletion {record.pk} shows the report.")
        if not is_done(record):
            raise SystemExit(2)

    def _delete(self, name: str, options: dict[str, Any]) -> DomainDeletion:
        domain = Domain.objects.live().select_related("owner").filter(name=name).first()
        if domain is None:
            return _continue(name, with_plan=options["plan"] is not None, permanent=options["permanent"])
        permanent = options["permanent"]
        token = planned.confirmed_token(
            self, options, name, lambda: build.plan_of(domain, permanent=permanent), domain_name
        )
        origin = current()
        try:
            with planned.plan_errors_as_command_errors(), shared_deadline(SECONDS_PER_DOMAIN):
                who = origin.who if origin else ""
                return service.delete_domain(domain=domain, requested_by=who, plan_token=token, permanent=permanent)
        except Domain.DoesNotExist as error:
            raise CommandError(GONE) from error


def _continue(name: str, *, with_plan: bool, permanent: bool) -> DomainDeletion:
    """Continue an unfinished deletion. Raises CommandError if there is none, or it cannot be what a plan was about."""
    deletions = DomainDeletion.objects.filter(name=name).order_by("-started_at")
    unfinished = deletions.filter(finished_at=None).first()
    if unfinished is None:
        known = f"{name} has been deleted: see show_deletion {name}." if deletions.exists() else ""
        raise CommandError(known or f"There is no domain {name!r}. list_domains shows all.")
    if with_plan:
        raise CommandError(GONE)
    try:
        with shared_deadline(SECONDS_PER_DOMAIN):
            return continue_deletion(unfinished, permanent=permanent)
    except NotInGrace as error:
        raise CommandError(error.sentence) from error
