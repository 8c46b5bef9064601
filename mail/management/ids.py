"""Base of commands that take ids."""

from __future__ import annotations

import re
from typing import Any

from django.core.management.base import CommandParser

from ses_integration.cli.base import CommandWithExitCodes

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
