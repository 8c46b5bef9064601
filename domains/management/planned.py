"""What `delete_domain` and `delete_address` share: the plan is shown and the name typed, or a script gives the plan's token."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice.shell.asking import NOTHING_DONE, has_typed
from domains.deletion_plan import parts
from rest.deletion.confirmation import why_outdated
from rest.deletion.plan import Plan
from rest.deletion.plan_token import PlanOutdated, PlanToken

WITHOUT_TERMINAL = "Give --plan TOKEN, with the token from `plan_delete {} --json`."


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--plan", metavar="TOKEN", type=_token, help="delete what the plan with this token says, without a question"
    )
    parser.add_argument("--json", action="store_true", help="print the API's answer; plan and question go to stderr")


def confirmed_token(
    command: BaseCommand,
    options: dict[str, Any],
    name: str,
    plan_of: Callable[[], Plan[Any, Any]],
    read: Callable[[str], str],
) -> str:
    """The token of the plan that is to be carried out. Raises SystemExit if the answer is another name than `name`."""
    if options["plan"]:
        return str(options["plan"])
    tell = partial(command.stderr.write, style_func=str) if options["json"] else command.stdout.write
    plan = plan_of()
    tell(parts.as_text(name, plan) + "\n\n")
    if not has_typed(command, name, read, instead=WITHOUT_TERMINAL.format(name)):
        tell(NOTHING_DONE)
        raise SystemExit(0)
    return str(plan.token)


@contextmanager
def plan_errors_as_command_errors() -> Iterator[None]:
    try:
        yield
    except PlanOutdated as error:
        raise CommandError(f"{why_outdated(error)} Nothing was deleted.") from error


def _token(text: str) -> PlanToken:
    try:
        return PlanToken.read(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not the token of a deletion plan") from None
