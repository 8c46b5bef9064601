"""What the ses_* commands have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError

from ses_integration.errors import SesError


@contextmanager
def ses_errors_as_command_errors() -> Iterator[None]:
    """A failing AWS is a sentence and exit code 1, not a traceback."""
    try:
        yield
    except SesError as error:
        raise CommandError(error.sentence) from error
