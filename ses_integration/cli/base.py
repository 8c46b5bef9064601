"""What the ses_* commands have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ses_integration.errors import RateLimitTimeout, SesError, Throttled
from ses_integration.status import sync_state

AGAIN = "Wait a second and run it again: SES takes about one control call a second, and other processes share it."


class CommandWithExitCodes(BaseCommand):
    """For commands whose exit code 2 is an answer: wrong usage, for which argparse exits with 2, is an error and exits with 1."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # `--app` must not apply.
        return super().create_parser(prog_name, subcommand, allow_abbrev=False, **kwargs)

    def run_from_argv(self, argv: list[str]) -> None:
        self._called_from_command_line = True
        try:
            self.create_parser(argv[0], argv[1]).parse_args(argv[2:])
        except SystemExit as end:
            raise SystemExit(1 if end.code else 0) from None
        super().run_from_argv(argv)


@contextmanager
def ses_errors_as_command_errors() -> Iterator[None]:
    """A failing AWS is a sentence and exit code 1, not a traceback."""
    try:
        yield
    except (RateLimitTimeout, Throttled) as error:
        raise CommandError(f"{error.sentence} {AGAIN}") from error
    except SesError as error:
        raise CommandError(error.sentence) from error


def outcome(name: str) -> str:
    """Where a domain stands after it was converged, for people."""
    if not sync_state.pending_domains().filter(domain=name).exists():
        return "in line"
    pending = sync_state.pending_reason(name)
    text = f"still owed. {pending.error}".strip()
    if pending.unknown_until:
        text += f" An earlier call to AWS got no answer; it is repeated after {pending.unknown_until:%H:%M:%S} UTC."
    return text
