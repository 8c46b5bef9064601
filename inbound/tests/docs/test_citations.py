"""What the code cites is in the repository: the document, and the section if one is named (CONTRIBUTING.md, "Cite documents")."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from inbound.settings import BASE_DIR
from inbound.tests.docs.pages import Page

CITATION = re.compile(r'((?:docs/[\w./-]*|CONTRIBUTING|CHANGELOG|README)\.md)(?:#([\w-]+)|, "([^"]+)")?')
DECISION = re.compile(r"\bADR (\d+)")
# Notes that are not in the repository, by their old names.
BARE = re.compile(r"\bapi-v2\b|\bses\.md \d|\b(?:protocol|design),? (?:section )?\d", re.IGNORECASE)
# Python that belongs to the project, and nothing that was installed or generated.
FILES = [
    file
    for file in sorted(BASE_DIR.rglob("*.py"))
    if not any(part.startswith(".") for part in file.relative_to(BASE_DIR).parts)
    and file.parent != Path(__file__).parent
]


def _text(file: Path) -> str:
    """One line, without the marks of comments: a citation may be broken over several lines."""
    return re.sub(r"\s*\n\s*(?:# ?)?", " ", file.read_text())


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return {str(file.relative_to(BASE_DIR)): _text(file) for file in FILES}


def test_cited_documents_and_sections_exist(texts):
    wrong = []
    for file, text in texts.items():
        for path, anchor, heading in CITATION.findall(text):
            page = Page(BASE_DIR / path)
            if not page.path.exists():
                wrong.append(f"{file}: there is no {path}")
            elif anchor and anchor not in page.anchors:
                wrong.append(f"{file}: {path} has no #{anchor}")
            elif heading and heading not in page.headings:
                wrong.append(f"{file}: {path} has no section {heading!r}")
    assert wrong == []


def test_cited_decisions_exist(texts):
    decisions = {int(file.name[:4]) for file in (BASE_DIR / "docs" / "adr").glob("[0-9]*.md")}
    cited = {(file, int(number)) for file, text in texts.items() for number in DECISION.findall(text)}
    assert [it for it in sorted(cited) if it[1] not in decisions] == []


def test_nothing_is_cited_that_is_not_in_the_repository(texts):
    assert [f"{file}: {found}" for file, text in texts.items() for found in BARE.findall(text)] == []
