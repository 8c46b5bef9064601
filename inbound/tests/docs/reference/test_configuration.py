"""docs/configuration.md has exactly the declared variables, with their defaults and forms, and the code reads no others."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from inbound.configuration.declared import Configuration
from inbound.configuration.variables import Variable
from inbound.settings import BASE_DIR
from inbound.tests.docs.pages import codes, page, rows

READERS = re.compile(r"(os\.)?(environ\.get|getenv)|(os\.)?environ")
NAME = re.compile(r"[A-Z][A-Z0-9_]+")
# Every shell has it.
AMBIENT = {"PATH"}

DECLARED = {variable.name: variable for variable in Configuration.declared()}
TABLE = {
    name: row
    for row in rows(page("docs/configuration.md").text)
    for name in codes(row[0])
    if len(row) == 4 and NAME.fullmatch(name)
}


def _product_files() -> Iterator[Path]:
    apps = ("inbound", "endpoints", "addresses", "domains", "ses_integration", "rest", "backoffice")
    files = [BASE_DIR / "gunicorn.conf.py", *(file for app in apps for file in (BASE_DIR / app).rglob("*.py"))]
    # The emulator is a WSGI application, whose `environ` is that of a request.
    return (file for file in files if not {"tests", "emulator", "test_settings.py"} & {*file.parts})


def _reads() -> Iterator[str]:
    """The names of the environment variables that the product reads by itself."""
    for file in _product_files():
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and READERS.fullmatch(ast.unparse(node.func)):
                names = node.args[:1]
            elif isinstance(node, ast.Subscript) and READERS.fullmatch(ast.unparse(node.value)):
                names = [node.slice]
            else:
                continue
            yield from (str(it.value) for it in names if isinstance(it, ast.Constant) and NAME.fullmatch(str(it.value)))


def test_every_variable_is_documented_and_no_other():
    assert TABLE.keys() == DECLARED.keys()


def test_no_variable_is_read_without_being_declared():
    assert {*_reads()} - AMBIENT <= DECLARED.keys()


@pytest.mark.parametrize("variable", DECLARED.values(), ids=DECLARED)
def test_default_and_form_are_those_of_the_declaration(variable: Variable[object]):
    _, default, form, _ = TABLE[variable.name]
    assert form == variable.form.expected
    if variable.default:
        assert codes(default) == [variable.default]
    else:
        # None, or described in words: it depends on the machine or on other variables.
        assert variable.read({}) == variable.form.unset
