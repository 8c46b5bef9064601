"""The README's table of commands is what their `--help` says."""

from __future__ import annotations

import re
from argparse import SUPPRESS, Action

import pytest
from django.apps import apps
from django.core.management import find_commands, load_command_class
from django.core.management.base import BaseCommand

from inbound.settings import BASE_DIR

OURS = ("inbound", "endpoints", "addresses", "domains", "ses_integration")
COMMANDS = {name: app for app in OURS for name in find_commands(f"{apps.get_app_config(app).path}/management")}
TABLE = (BASE_DIR / "README.md").read_text().partition("### Commands\n")[2].partition("\n\n`aws_emulator`")[0]
USAGES = {usage.partition(" ")[0]: usage for usage in re.findall(r"^\| `(.+?)` \|", TABLE, re.MULTILINE)}


def test_every_command_has_a_row():
    assert USAGES.keys() == COMMANDS.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_row_has_every_argument(name):
    djangos = {action.dest for action in BaseCommand().create_parser("manage.py", name)._actions}
    parser = load_command_class(COMMANDS[name], name).create_parser("manage.py", name)
    ours = [action for action in parser._actions if action.dest not in djangos and action.help != SUPPRESS]
    assert USAGES[name] == " ".join([name, *map(shown, ours)])


def shown(action: Action) -> str:
    value = "…" if action.choices else action.metavar or action.dest.upper()
    if action.nargs == "*":
        return f"[{value} …]"
    parts = [*action.option_strings[:1], *([str(value)] if action.nargs != 0 else [])]
    return " ".join(parts) if action.required else f"[{' '.join(parts)}]"
