"""The developer documents name only files, identifiers and tests that exist."""

from __future__ import annotations

import re
from functools import cache

import pytest

from inbound.settings import BASE_DIR
from inbound.tests.docs.pages import PAGES, Page, codes

PACKAGES = ("inbound", "endpoints", "addresses", "domains", "ses_integration", "rest", "backoffice")
# The identifiers in ses.md are those of AWS and botocore.
ABOUT_AWS = "docs/architecture/ses.md"
FOR_DEVELOPERS = {
    str(page.path.relative_to(BASE_DIR)): page
    for page in PAGES
    if re.search(r"docs/(architecture|adr)/|docs/(promises|glossary)\.md$", str(page.path))
}
PATH = re.compile(r"[\w.-]+(/[\w.-]+)*/?")


def named_paths(page: Page) -> set[str]:
    roots = {path.name for path in BASE_DIR.iterdir()}
    paths = {text for text in codes(page.prose) if "/" in text and PATH.fullmatch(text)}
    return {path for path in paths if path.endswith((".py", "/")) or path.partition("/")[0] in roots}


@cache
def words_of_the_source() -> set[str]:
    files = [file for name in PACKAGES for file in (BASE_DIR / name).rglob("*.py") if "tests" not in file.parts]
    return {word for file in files for word in [file.stem, *re.findall(r"\w+", file.read_text())]}


@cache
def existing_tests() -> set[str]:
    files = [file for name in PACKAGES for file in (BASE_DIR / name).rglob("test_*.py")]
    return {name for file in files for name in re.findall(r"^def (test_\w+)\(", file.read_text(), re.MULTILINE)}


@pytest.mark.parametrize("path", FOR_DEVELOPERS)
def test_named_paths_exist(path):
    assert sorted(it for it in named_paths(FOR_DEVELOPERS[path]) if not (BASE_DIR / it).exists()) == []


@pytest.mark.parametrize("path", [path for path in FOR_DEVELOPERS if "/adr/" not in path and path != ABOUT_AWS])
def test_named_identifiers_exist(path):
    names = {text for text in codes(FOR_DEVELOPERS[path].prose) if text.isidentifier() and text[:5] != "test_"}
    assert sorted(names - words_of_the_source()) == []


@pytest.mark.parametrize("path", FOR_DEVELOPERS)
def test_named_tests_exist(path):
    names = {text for text in codes(FOR_DEVELOPERS[path].prose) if text.isidentifier() and text[:5] == "test_"}
    assert sorted(names - existing_tests()) == []
