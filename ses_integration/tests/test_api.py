"""The facade: documented names that the apps above use, and a contract that covers everything else."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
import tomllib
from pathlib import Path

import pytest

import ses_integration
from ses_integration import api

ROOT = Path(ses_integration.__path__[0]).parent
APPS = ("inbound", "desk", "archives", "mail", "endpoints", "addresses", "domains")


@pytest.mark.parametrize("name", api.__all__)
def test_every_name_is_documented(name):
    doc = inspect.getdoc(getattr(api, name)) or ""
    # Without a docstring, a dataclass gets its signature.
    assert doc
    assert not doc.startswith(f"{name}(")


def test_every_name_says_in_one_line_what_it_is_for():
    lines = re.findall(r'^    "(\w+)",  # \w.+$', inspect.getsource(api), flags=re.MULTILINE)
    assert lines == api.__all__


def test_the_facade_stays_short():
    assert len(api.__all__) <= 53


def test_every_name_is_used_by_an_app():
    paths = (path for app in APPS for path in (ROOT / app).rglob("*.py") if "tests" not in path.parts)
    imports = (
        node for path in paths for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)
    )
    used = {alias.name for node in imports if node.module == "ses_integration.api" for alias in node.names}
    assert set(api.__all__) - used == set()


def test_the_import_contract_covers_every_other_package():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [contract] = [
        contract
        for contract in contracts
        if contract["name"].startswith("The apps use ses_integration through its facade")
    ]
    modules = {f"ses_integration.{module.name}" for module in pkgutil.iter_modules(ses_integration.__path__)}
    allowed = {f"ses_integration.{name}" for name in ("api", "admin", "cli", "tests", "migrations")}
    in_part = {"ses_integration.admin.ledger", "ses_integration.cli.drift_report"}
    assert set(contract["forbidden_modules"]) == (modules - allowed) | in_part
    assert contract["source_modules"] == list(APPS)
