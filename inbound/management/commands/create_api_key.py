from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from backoffice.shell.arguments import user_of
from inbound.management.commands.list_api_keys import as_values
from inbound.models import ApiKey, Scope, issue_key
from ses_integration.cli.base import CommandWithExitCodes

LONGEST_DAYS = 36_500
NAME_LIMIT = ApiKey._meta.get_field("name").max_length or 0


def _name(text: str) -> str:
    if not 1 <= len(text.strip()) <= NAME_LIMIT:
        raise ArgumentTypeError(f"a name has 1 to {NAME_LIMIT} characters")
    return text.strip()


def _days(text: str) -> datetime:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= LONGEST_DAYS:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1 to {LONGEST_DAYS}")
    return timezone.now() + timedelta(days=int(text))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        # Raises OverflowError for dates near the limits, which have no equivalent in UTC.
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ArgumentTypeError(f"{text!r} is not a date or a time in ISO 8601") from error
    if moment <= timezone.now():
        raise ArgumentTypeError(f"{text!r} is in the past")
    return moment


class Command(CommandWithExitCodes):
    help = (
        "Create a key for the REST API and print it to stdout. It is shown only this once: the database has only its hash. "
        "With --verbosity 0 nothing else is printed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", metavar="USERNAME", help="the key gives access to this user's data")
        parser.add_argument(
            "--name", type=_name, required=True, help="a name for the key, for example where it is used"
        )
        parser.add_argument(
            "--scope",
            action="append",
            choices=Scope.values,
            dest="scopes",
            help="what the key may do; repeat it for several (default: all of them)",
        )
        expiry = parser.add_mutually_exclusive_group()
        expiry.add_argument("--expires-in-days", type=_days, dest="expires_at", metavar="N", help="(default: never)")
        expiry.add_argument(
            "--expires",
            type=_moment,
            dest="expires_at",
            metavar="ISO",
            help="date or time, in UTC unless it has an offset",
        )
        parser.add_argument("--json", action="store_true", help="print JSON: the key, and what list_api_keys has of it")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = user_of(options["username"])
        if not owner.is_active:
            raise CommandError(f"The user {options['username']!r} is not active, so the key would not be accepted.")
        scopes = [Scope(scope) for scope in options["scopes"]] if options["scopes"] else None
        row, key = issue_key(owner=owner, name=options["name"], scopes=scopes, expires_at=options["expires_at"])
        self.stdout.write(json.dumps({"key": key, **as_values(row)}, indent=2) if options["json"] else key)
        # If it cannot be written, nobody should be asked to save it.
        self.stdout.flush()
        if options["verbosity"]:
            self.stderr.write("Save it now: only its hash is stored, so it cannot be shown again.", self.style.NOTICE)
