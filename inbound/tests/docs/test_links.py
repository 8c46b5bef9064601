"""Every relative link in the documents leads somewhere, and every document can be reached."""

from __future__ import annotations

import pytest

from inbound.settings import BASE_DIR
from inbound.tests.docs.pages import PAGES, Page, page


def _targets(source: Page) -> list[tuple[Page, str]]:
    """The files and anchors that the relative links of a page point to."""
    found = []
    for link in source.links:
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        found.append((Page((source.path.parent / path).resolve() if path else source.path), anchor))
    return found


@pytest.mark.parametrize("source", PAGES, ids=lambda source: str(source.path.relative_to(BASE_DIR)))
def test_links_resolve(source):
    broken = [
        f"{target.path}#{anchor}"
        for target, anchor in _targets(source)
        if not target.path.exists() or (anchor and anchor not in target.anchors)
    ]
    assert broken == []


def test_every_document_is_reachable_from_the_readme():
    seen = set()
    waiting = [page("README.md")]
    while waiting:
        source = waiting.pop()
        if source.path not in seen:
            seen.add(source.path)
            waiting += [
                target for target, _ in _targets(source) if target.path.suffix == ".md" and target.path.exists()
            ]
    assert {source.path for source in PAGES} == seen


def test_the_readme_is_short():
    assert len(page("README.md").text.splitlines()) <= 150
