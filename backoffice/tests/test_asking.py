"""Questions of commands."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management.base import BaseCommand, CommandError

from backoffice.shell.asking import agreed, has_typed
from rest.names.arguments import domain_name

pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def command() -> BaseCommand:
    return BaseCommand(stdout=StringIO(), stderr=StringIO())


@pytest.mark.parametrize(
    ("text", "yes"), [("y", True), (" YES ", True), ("n", False), ("", False), ("yesterday", False)]
)
def test_only_yes_is_yes(command, answer, text, yes):
    answer(text)
    assert agreed(command) is yes
    assert command.stderr.getvalue() == "Go on? [y/N] "
    assert command.stdout.getvalue() == ""


@pytest.mark.parametrize(
    ("text", "same"),
    [("xn--bcher-kva.example", True), (" Bücher.Example.", True), ("y", False), ("", False), ("other.example", False)],
)
def test_a_name_is_typed_in_any_spelling(command, answer, text, same):
    answer(text)
    assert has_typed(command, "xn--bcher-kva.example", domain_name, instead="") is same


def test_a_pipe_is_nobody_to_ask(command, monkeypatch):
    monkeypatch.setattr("sys.stdin", StringIO("y\n"))
    with pytest.raises(CommandError, match=r"There is nobody to ask\. Give --yes\."):
        agreed(command)
