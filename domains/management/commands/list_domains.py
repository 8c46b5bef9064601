from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from backoffice.shell.arguments import at_least_one, user_of
from backoffice.tables import table
from backoffice.text import moment, plural
from domains.models import Domain
from rest.fields import timestamp
from ses_integration.api import SyncState
from ses_integration.cli.base import CommandWithExitCodes

# Names in one statement.
AT_ONCE = 1000


class Command(CommandWithExitCodes):
    help = (
        "List the domains of all users, or of one: status, owner, number of addresses, and whether SES is up to date. Reads "
        "the database alone. Exit code 0 on success, 1 on an error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", metavar="USERNAME", help="only this user's domains")
        parser.add_argument("--status", choices=Domain.Status.values, help="only domains of this status")
        parser.add_argument("--limit", metavar="N", type=at_least_one, help="show at most N. Default: all")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = Domain.objects.select_related("owner").order_by("name")
        if options["user"]:
            rows = rows.filter(owner=user_of(options["user"]))
        if options["status"]:
            rows = rows.filter(status=options["status"])
        shown, total = list(rows[: options["limit"]]), rows.count()
        states: dict[str, SyncState] = {}
        for first in range(0, len(shown), AT_ONCE):
            states |= SyncState.by_domain([row.name for row in shown[first : first + AT_ONCE]])
        if options["json"]:
            values = [_as_values(row, states[row.name]) for row in shown]
            self.stdout.write(json.dumps({"domains": values, "total": total}, indent=2))
            return
        if not shown:
            self.stdout.write("There is no such domain. POST /domains or the admin adds one.")
            return
        cells = [
            [
                row.name,
                _status(row),
                row.owner.get_username(),
                f"{row.address_count:,}",
                "on" if row.receives_everything else "off",
                states[row.name].status.label,
            ]
            for row in shown
        ]
        self.stdout.write(table(["DOMAIN", "STATUS", "OWNER", "ADDRESSES", "CATCH-ALL", "SES"], cells))
        if more := total - len(shown):
            self.stdout.write(f"\n{plural(more, 'domain')} not shown: give --limit.")


def _status(row: Any) -> str:
    if row.restorable_until is not None:
        return f"restorable until {moment(row.restorable_until)}"
    return "being deleted" if row.deleting_since else str(row.status)


def _as_values(row: Any, state: SyncState) -> dict[str, Any]:
    return {
        "id": row.pk,
        "domain": row.name,
        "owner": row.owner.get_username(),
        "status": row.status,
        "isBeingDeleted": row.deleting_since is not None,
        "emailAddresses": row.address_count,
        "isCatchAllEnabled": row.receives_everything,
        "canReceiveEmails": row.can_receive_emails,
        "sesState": state.status.wire,
        "createdAt": timestamp(row.created_at),
        **({"restorableUntil": timestamp(row.restorable_until)} if row.restorable_until else {}),
    }
