"""No sentence of the published pages is forgotten, and none is made up."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import ModuleType

import pytest

from inbound.tests.promises import test_delete_address, test_delete_domain
from inbound.tests.promises.sentences import DELETE_ADDRESS, DELETE_DOMAIN, NOTHING_TO_TEST

PAGES = [(DELETE_DOMAIN, test_delete_domain), (DELETE_ADDRESS, test_delete_address)]


def named_by_the_tests_of(module: ModuleType) -> Iterator[str]:
    for name, test in inspect.getmembers(module, inspect.isfunction):
        if name.startswith("test_"):
            paragraphs = (inspect.getdoc(test) or "").split("\n\n")
            yield from (" ".join(paragraph.split()) for paragraph in paragraphs)


@pytest.mark.parametrize(("page", "module"), PAGES, ids=["domain", "address"])
def test_each_sentence_is_proven_once_or_has_nothing_to_test(page, module):
    left = [sentence for sentence in page if sentence not in NOTHING_TO_TEST]
    assert sorted(named_by_the_tests_of(module)) == sorted(left)


def test_what_has_nothing_to_test_is_on_a_page_and_says_why():
    assert set(NOTHING_TO_TEST) <= {*DELETE_DOMAIN, *DELETE_ADDRESS}
    assert all(NOTHING_TO_TEST.values())
