from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from backoffice.shell.arguments import at_least_one
from backoffice.tables import table
from backoffice.text import moment, plural
from domains.management.deletions import reports, state_of
from domains.models import DomainDeletion
from rest.names.arguments import domain_name
from ses_integration.cli.base import CommandWithExitCodes

SHOWN = 50


class Command(CommandWithExitCodes):
    help = (
        "List deletions of domains, the newest first, with what is pending. Reads the database alone. "
        "Exit code 0 on success, 1 on an error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--domain", metavar="NAME", type=domain_name, help="only deletions of this name")
        parser.add_argument("--pending", action="store_true", help="only those that are not finished")
        parser.add_argument(
            "--limit", metavar="N", type=at_least_one, default=SHOWN, help=f"show at most N. Default: {SHOWN}"
        )
        parser.add_argument("--json", action="store_true", help="print JSON: the reports as the API has them")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = DomainDeletion.objects.order_by("-started_at", "id")
        if options["domain"]:
            rows = rows.filter(name=options["domain"])
        if options["pending"]:
            rows = rows.pending()
        shown, total = list(rows[: options["limit"]]), rows.count()
        if options["json"]:
            self.stdout.write(json.dumps({"deletions": reports(shown), "total": total}, indent=2))
            return
        if not shown:
            self.stdout.write("There is no such deletion.")
            return
        cells = [[row.name, moment(row.started_at), row.requested_by, state_of(row), row.pk] for row in shown]
        self.stdout.write(table(["DOMAIN", "BEGAN", "BY", "STATE", "ID"], cells))
        if more := total - len(shown):
            self.stdout.write(f"\n{plural(more, 'older deletion')} not shown: give --limit.")
