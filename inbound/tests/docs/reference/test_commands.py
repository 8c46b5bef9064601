"""docs/commands.md has every command with exactly the options and exit codes that it has."""

from __future__ import annotations

import re
from argparse import SUPPRESS, Action, ArgumentParser

import pytest
from django.apps import apps
from django.core.management import find_commands, load_command_class
from django.core.management.base import BaseCommand

from inbound.settings import BASE_DIR
from inbound.tests.docs.pages import PAGES, codes, page, rows

OURS = ("inbound", "desk", "archives", "mail", "endpoints", "addresses", "domains", "ses_integration")
COMMANDS = {name: app for app in OURS for name in find_commands(f"{apps.get_app_config(app).path}/management")}
DJANGOS = ("check", "migrate", "createsuperuser", "spectacular")
COMMANDS_PAGE = page("docs/commands.md")


def _parser(name: str) -> ArgumentParser:
    return load_command_class(COMMANDS[name], name).create_parser("manage.py", name)


def _options(name: str) -> list[str]:
    djangos = {action.dest for action in BaseCommand().create_parser("manage.py", name)._actions}
    return [_shown(it) for it in _parser(name)._actions if it.dest not in djangos and it.help != SUPPRESS]


def _shown(action: Action) -> str:
    value = f"{{{','.join(action.choices)}}}" if action.choices else action.metavar or action.dest.upper()
    if not action.option_strings:
        return f"{value} …" if action.nargs == "*" else str(value)
    return " ".join([action.option_strings[0], *([str(value)] if action.nargs != 0 else [])])


def _first_cells(name: str, head: str) -> list[str]:
    """The first column of the section's table that has this head."""
    tables = re.split(r"\n\n", COMMANDS_PAGE.section(name))
    return [row[0] for table in tables if table.strip().startswith(f"| {head} |") for row in rows(table)]


def test_every_command_has_a_section():
    assert [name for name in COMMANDS if name not in COMMANDS_PAGE.headings] == []
    assert [name for name in COMMANDS_PAGE.headings if "_" in name and name not in COMMANDS] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_are_real_and_complete(name):
    assert [codes(cell)[0] for cell in _first_cells(name, "Option")] == _options(name)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_exit_codes_are_those_of_its_help(name):
    """The tests of each command prove that its help is right."""
    said = re.findall(r"\b\d\b", load_command_class(COMMANDS[name], name).help.partition("Exit code")[2])
    _, _, table, *_ = re.split(r"\n\n", COMMANDS_PAGE.section("Exit codes"))
    told = {codes(command)[0]: cells for command, *cells in rows(table)}
    assert [code for code, cell in zip("012", told[name], strict=True) if cell] == (sorted({*said}) or ["0"])


USES = re.compile(r"(?:manage\.py|manage) ((?:[a-z]+_)*[a-z]+)((?: +(?:--)?[\w.{}-]+)*)")


@pytest.mark.parametrize("source", PAGES, ids=lambda source: source.path.stem)
def test_commands_in_the_documents_exist(source):
    shown = "\n".join([*source.blocks("sh"), *source.blocks("console"), *codes(source.prose)])
    for name, arguments in USES.findall(shown):
        assert name in (*COMMANDS, *DJANGOS), name
        if name in COMMANDS:
            known = {option for action in _parser(name)._actions for option in action.option_strings}
            assert {word for word in arguments.split() if word.startswith("--")} <= known


def test_the_make_targets_exist_and_are_documented():
    targets = set(re.findall(r"^([a-z]+):", (BASE_DIR / "Makefile").read_text(), re.MULTILINE)) - {
        "help",
        "runtime",
        "dev",
    }
    shown = [text for source in PAGES for text in [*source.blocks("sh"), *codes(source.prose)]]
    assert {target for text in shown for target in re.findall(r"(?<!\w)make ([a-z]+)", text)} == targets
