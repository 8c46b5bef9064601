"""docs/configuration.md has exactly the settings that the code reads, with their defaults."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from inbound.settings import BASE_DIR
from inbound.tests.docs.pages import codes, page, rows

READERS = re.compile(r"env\.\w+|number|(os\.)?environ\.get|_port")
NAME = re.compile(r"[A-Z][A-Z0-9_]+")
# Read by botocore; our checks look at them as well.
BOTOCORE = {"AWS_ENDPOINT_URL"}
# Every shell has it.
AMBIENT = {"PATH"}

TABLE = {codes(row[0])[0]: row[1] for row in rows(page("docs/configuration.md").text) if codes(row[0])}


def _product_files() -> Iterator[Path]:
    apps = ("inbound", "endpoints", "addresses", "domains", "ses_integration", "rest", "backoffice")
    files = [BASE_DIR / "gunicorn.conf.py", *(file for app in apps for file in (BASE_DIR / app).rglob("*.py"))]
    # The emulator is a WSGI application, whose `environ` is that of a request.
    return (file for file in files if not {"tests", "emulator", "test_settings.py"} & {*file.parts})


def _reads() -> Iterator[tuple[str, ast.expr | None]]:
    """The names of the environment variables that the product reads, and their defaults."""
    for file in _product_files():
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and READERS.fullmatch(ast.unparse(node.func)):
                texts = [it for it in node.args[:2] if isinstance(it, ast.Constant)]
                if texts and NAME.fullmatch(str(texts[0].value)):
                    name = texts[0]
                    rest = node.args[node.args.index(name) + 1 :]
                    yield str(name.value), rest[0] if rest else None


def test_every_setting_that_is_read_is_documented():
    assert {name for name, _ in _reads()} - AMBIENT - TABLE.keys() == set()


def test_every_documented_setting_is_read():
    assert TABLE.keys() - {name for name, _ in _reads()} - BOTOCORE == set()


def test_the_defaults_are_those_of_the_code():
    for name, default in _reads():
        if name in TABLE and isinstance(default, ast.Constant) and default.value not in ("", None):
            value = default.value
            shown = (
                str(value).lower()
                if isinstance(value, bool)
                else f"{value:g}"
                if isinstance(value, float)
                else str(value)
            )
            assert codes(TABLE[name])[:1] == [shown], name
