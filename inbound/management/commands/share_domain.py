from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from backoffice.shell.arguments import user_of
from backoffice.tables import table
from backoffice.text import moment
from domains.models import Domain, DomainAccess
from domains.sharing import service
from rest.fields import timestamp
from rest.names.arguments import domain_name
from ses_integration.cli.base import CommandWithExitCodes


class Command(CommandWithExitCodes):
    help = (
        "Share a domain with another account, or take access back. Without a user: list who has access. Exit code 0 on success, "
        "1 on an error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("domain", metavar="NAME", type=domain_name, help="name of the domain")
        parser.add_argument("user", metavar="USER", nargs="?", help="name of the account")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--role", choices=DomainAccess.Role.values, help="give the account this role")
        what.add_argument("--remove", action="store_true", help="take its access back")
        parser.add_argument("--json", action="store_true", help="print JSON: who has access afterwards")

    def handle(self, *args: Any, **options: Any) -> None:
        domain = Domain.objects.live().filter(name=options["domain"]).first()
        if domain is None:
            raise CommandError(f"There is no domain {options['domain']}. list_domains shows those that exist.")
        if options["user"]:
            self._change(domain, options["user"], options["role"], is_removed=options["remove"])
        elif options["role"] or options["remove"]:
            raise CommandError("Give the name of the account, too.")
        rows = list(domain.accesses.select_related("user").order_by("user__username"))
        if options["json"]:
            self.stdout.write(json.dumps({"domain": domain.name, "shares": [*map(_as_values, rows)]}, indent=2))
        elif rows:
            cells = [
                [row.user.get_username(), row.role, "yes" if row.user.is_active else "no", moment(row.created_at)]
                for row in rows
            ]
            self.stdout.write(table(["ACCOUNT", "ROLE", "ACTIVE", "SINCE"], cells))
        else:
            self.stdout.write(f"Only its owner has access to {domain.name}.")

    def _change(self, domain: Domain, name: str, role: str | None, *, is_removed: bool) -> None:
        user = user_of(name)
        if is_removed:
            found = DomainAccess.objects.filter(domain=domain, user=user)
            if not found:
                raise CommandError(f"{user.get_username()} has no access to {domain.name}. Nothing was changed.")
            service.unshare(found)
            return
        if role is None:
            raise CommandError("Give --role viewer, --role manager or --remove.")
        try:
            service.share(domain=domain, user=user, role=role)
        except (service.CannotShare, Domain.DoesNotExist) as error:
            raise CommandError(str(error)) from error


def _as_values(row: DomainAccess) -> dict[str, Any]:
    return {
        "userId": str(row.user_id),
        "user": row.user.get_username(),
        "role": row.role,
        "isActive": row.user.is_active,
        "createdAt": timestamp(row.created_at),
    }
