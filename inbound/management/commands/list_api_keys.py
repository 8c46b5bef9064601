from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from backoffice.shell.arguments import user_of
from backoffice.tables import table
from backoffice.text import moment, visible
from inbound.models import ApiKey
from rest.fields import timestamp, timestamp_or_none
from ses_integration.cli.base import CommandWithExitCodes


class Command(CommandWithExitCodes):
    help = (
        "List API keys: whose they are, what they may do, and when they were last used. The keys themselves are not stored. "
        "Exit code 0 on success, 1 on an error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", metavar="USERNAME", help="only this user's keys")
        parser.add_argument(
            "--all", action="store_true", help="also keys that are revoked, expired, or of inactive users"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        keys = ApiKey.objects.select_related("owner").order_by("owner__username", "created_at", "pk")
        if options["user"]:
            keys = keys.filter(owner=user_of(options["user"]))
        shown = list(keys if options["all"] else keys.usable())
        if options["json"]:
            self.stdout.write(json.dumps({"keys": [as_values(key) for key in shown]}, indent=2))
        elif shown:
            self.stdout.write(
                table(["ID", "KEY", "NAME", "OWNER", "SCOPES", "STATE", "LAST USED", "EXPIRES"], map(_row, shown))
            )
        else:
            self.stdout.write("There is no such key. create_api_key issues one.")


def _row(key: ApiKey) -> list[str]:
    return [
        str(key.pk),
        f"{key.start}…",
        visible(key.name),
        key.owner.get_username(),
        ", ".join(key.scopes),
        key.state,
        moment(key.last_used_at) if key.last_used_at else "never",
        moment(key.expires_at) if key.expires_at else "never",
    ]


def as_values(key: ApiKey) -> dict[str, Any]:
    """A key in the JSON of commands, without the key itself."""
    return {
        "id": key.pk,
        "start": key.start,
        "name": key.name,
        "owner": key.owner.get_username(),
        "scopes": key.scopes,
        "state": key.state,
        "createdAt": timestamp(key.created_at),
        "lastUsedAt": timestamp_or_none(key.last_used_at),
        "expiresAt": timestamp_or_none(key.expires_at),
        "revokedAt": timestamp_or_none(key.revoked_at),
    }
