from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from addresses.api.deleted_addresses import DeletedAddressSerializer
from addresses.models import DeletedAddress
from backoffice.shell.arguments import at_least_one
from backoffice.tables import table
from backoffice.text import moment, plural
from rest.names.arguments import domain_name
from ses_integration.cli.base import CommandWithExitCodes

SHOWN = 50


class Command(CommandWithExitCodes):
    help = (
        "List deleted addresses for which catch-alls do not receive, the newest first, with until when each can be restored. "
        "Reads the database alone. Exit code 0 on success, 1 on an error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--domain", metavar="NAME", type=domain_name, help="only those of this domain")
        parser.add_argument("--restorable", action="store_true", help="only those that can be restored")
        parser.add_argument(
            "--limit", metavar="N", type=at_least_one, default=SHOWN, help=f"show at most N. Default: {SHOWN}"
        )
        parser.add_argument("--json", action="store_true", help="print JSON: the rows as the API has them")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = DeletedAddress.objects.with_restorable().select_related("domain").order_by("-deleted_at", "id")
        if options["domain"]:
            rows = rows.filter(domain__name=options["domain"])
        if options["restorable"]:
            rows = rows.restorable()
        shown, total = list(rows[: options["limit"]]), rows.count()
        if options["json"]:
            values = [DeletedAddressSerializer(row).data for row in shown]
            self.stdout.write(json.dumps({"deletedAddresses": values, "total": total}, indent=2))
            return
        if not shown:
            self.stdout.write("There is no such address.")
            return
        cells = [[row.address, moment(row.deleted_at), moment(row.restorable_until), row.pk] for row in shown]
        self.stdout.write(table(["ADDRESS", "DELETED", "RESTORABLE UNTIL", "ID"], cells))
        if more := total - len(shown):
            self.stdout.write(f"\n{plural(more, 'older address')} not shown: give --limit.")
