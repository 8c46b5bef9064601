"""What the ses_* commands have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError

from ses_integration import facts
from ses_integration.errors import SesError


@contextmanager
def ses_errors_as_command_errors() -> Iterator[None]:
    """A failing AWS is a sentence and exit code 1, not a traceback."""
    try:
        yield
    except SesError as error:
        raise CommandError(error.sentence) from error


def outcome(name: str) -> str:
    """Where a domain stands after it was converged, for people."""
    if not facts.owed_marks().filter(domain=name).exists():
        return "in line"
    owed = facts.owed(name)
    text = f"still owed. {owed.error}".strip()
    if owed.doubt_until:
        text += f" An earlier call to AWS got no answer; it is repeated after {owed.doubt_until:%H:%M:%S} UTC."
    return text
