"""`docs/promises.md`, the list of promises and the acceptance tests agree."""

from __future__ import annotations

import pytest

from inbound.tests.docs.pages import codes, page, rows
from inbound.tests.promises import test_delete_address, test_delete_domain
from inbound.tests.promises.promises import DELETE_ADDRESS, DELETE_DOMAIN, NOTHING_TO_TEST, kept_by

LISTS = {"Delete a domain": DELETE_DOMAIN, "Delete an address": DELETE_ADDRESS, "Nothing to test": NOTHING_TO_TEST}
TESTED = [("Delete a domain", test_delete_domain), ("Delete an address", test_delete_address)]


def table(section: str) -> list[list[str]]:
    return rows(page("docs/promises.md").section(section))


@pytest.mark.parametrize("section", LISTS)
def test_page_explains_every_promise_in_order(section):
    assert tuple(first.strip("`") for first, *_ in table(section)) == LISTS[section]
    assert all(cell for cells in table(section) for cell in cells)


def test_ids_are_unique():
    ids = [*DELETE_DOMAIN, *DELETE_ADDRESS, *NOTHING_TO_TEST]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("section", "module"), TESTED)
def test_page_names_the_tests_of_each_promise(section, module):
    named = {(promise.strip("`"), test) for promise, *_, tests in table(section) for test in codes(tests)}
    assert named == {(promise, test) for test, promises in kept_by(module).items() for promise in promises}


@pytest.mark.parametrize(("section", "module"), TESTED)
def test_every_acceptance_test_names_a_promise(section, module):
    assert [test for test, promises in kept_by(module).items() if not promises] == []
