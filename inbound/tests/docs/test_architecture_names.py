"""The developer documents name only files, identifiers and tests that exist."""

from __future__ import annotations

import re
from functools import cache

import pytest

from inbound.settings import BASE_DIR
from inbound.tests.docs.pages import FENCED, PAGES, Page, codes, page

PACKAGES = (
    "inbound",
    "desk",
    "archives",
    "mail",
    "endpoints",
    "addresses",
    "domains",
    "ses_integration",
    "workers",
    "audit",
    "rest",
    "backoffice",
)
# The identifiers in ses.md are those of AWS and botocore.
ABOUT_AWS = "docs/architecture/ses.md"
FOR_DEVELOPERS = {
    str(document.path.relative_to(BASE_DIR)): document
    for document in PAGES
    if re.search(r"docs/(architecture|adr)/|docs/(promises|glossary)\.md$", str(document.path))
}
PATH = re.compile(r"[\w.-]+(/[\w.-]+)*/?")
# `name`, `package.name` or `name(arguments)`.
CODE = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?:\(.*\))?")
RECIPES = ("Add a resource to the API", "Add an app")
# Classes of DRF that the code does not use. A decision says why.
NOT_USED = {"GenericAPIView", "ModelViewSet"}


def named_paths(document: Page) -> set[str]:
    roots = {path.name for path in BASE_DIR.iterdir()}
    paths = {text for text in codes(document.prose) if "/" in text and PATH.fullmatch(text)}
    return {path for path in paths if path.endswith((".py", "/")) or path.partition("/")[0] in roots}


@cache
def prose_with_names() -> dict[str, str]:
    """The text in which identifiers must exist, by path: all documents for developers, and the recipes for contributors."""
    contributing = page("CONTRIBUTING.md")
    recipes = "\n".join(FENCED.sub("", contributing.section(heading)) for heading in RECIPES)
    documents = {path: document.prose for path, document in FOR_DEVELOPERS.items() if path != ABOUT_AWS}
    return documents | {"CONTRIBUTING.md": recipes}


def named_identifiers(text: str) -> set[str]:
    """Without tests and the names of files."""
    found = [match[1] for match in map(CODE.fullmatch, codes(text)) if match]
    code = [name for name in found if not (BASE_DIR / name).exists() and not name.endswith(".py")]
    return {word for name in code for word in name.split(".") if not word.startswith("test_")}


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


@pytest.mark.parametrize("path", prose_with_names())
def test_named_identifiers_exist(path):
    assert sorted(named_identifiers(prose_with_names()[path]) - words_of_the_source() - NOT_USED) == []


@pytest.mark.parametrize("path", FOR_DEVELOPERS)
def test_named_tests_exist(path):
    names = {text for text in codes(FOR_DEVELOPERS[path].prose) if text.isidentifier() and text[:5] == "test_"}
    assert sorted(names - existing_tests()) == []
