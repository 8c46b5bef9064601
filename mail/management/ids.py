"""Ids as arguments of commands."""

from __future__ import annotations

import re
from typing import Any

from django.core.management.base import CommandError, CommandParser

from backoffice.text import listed
from endpoints.models import Endpoint
from ses_integration.cli.base import CommandWithExitCodes

# Ids of endpoints of the same name that are shown.
AT_MOST = 10
# An id (`rest.ids`) whose first character is a dash, which one of 64 has.
LIKE_AN_OPTION = re.compile(r"-[A-Za-z0-9_-]{20}")


class CommandWithIds(CommandWithExitCodes):
    """Takes `-vZk…` for the id that it is, where argparse would see the option `-v`."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser: Any = super().create_parser(prog_name, subcommand, **kwargs)
        usual = parser._parse_optional
        options = parser._option_string_actions

        def parse_optional(text: str) -> Any:
            return None if LIKE_AN_OPTION.fullmatch(text) and text not in options else usual(text)

        parser._parse_optional = parse_optional
        return parser  # type: ignore[no-any-return]


def endpoint_of(text: str) -> Endpoint:
    """The endpoint with this id, or with exactly this name. Raises CommandError."""
    named = Endpoint.objects.filter(name=text).order_by("pk")
    found = list(Endpoint.objects.filter(pk=text)) or list(named[:AT_MOST])
    if not found:
        raise CommandError(f"No endpoint has the id or name {text}. mail_status shows those that fail, the admin all.")
    if len(found) > 1:
        raise CommandError(
            f"Several endpoints have this name. Give one of their ids: {listed([it.pk for it in found])}."
        )
    return found[0]
