"""Ask whoever runs a command before it changes something."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from collections.abc import Callable

from django.core.management.base import BaseCommand, CommandError

NOBODY = "There is nobody to ask."
NOTHING_DONE = "Nothing was done."


def agreed(command: BaseCommand, question: str = "Go on?") -> bool:
    """Whether the answer is yes. Raises CommandError without a terminal, where the question would stand in a log."""
    return _answer(command, f"{question} [y/N] ", instead="Give --yes.").lower() in ("y", "yes")


def has_typed(command: BaseCommand, name: str, read: Callable[[str], str], *, instead: str) -> bool:
    """Whether the answer is `name`, in any spelling that `read`, a type of argparse, understands. Raises CommandError.

    `instead`: a sentence, what to give without a terminal.
    """
    try:
        return read(_answer(command, f"Type {name} to delete it: ", instead=instead)) == name
    except ArgumentTypeError:
        return False


def _answer(command: BaseCommand, question: str, *, instead: str) -> str:
    # Also with a pipe: its lines may be meant for somebody else, such as the loop of a script.
    if not sys.stdin.isatty():
        raise CommandError(f"{NOBODY} {instead}")
    # stdout may be read by a program.
    command.stderr.write(question, style_func=str, ending="")
    command.stderr.flush()
    return sys.stdin.readline().strip()
