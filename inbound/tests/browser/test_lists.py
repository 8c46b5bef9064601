"""Every list, empty and with rows, and the desk's other pages."""

from __future__ import annotations

import pytest
from django.contrib import admin

from inbound.tests.browser.looking import Operator

# Wrong passwords are looked at with the task of signing in.
LISTS = sorted({model._meta.label_lower for model in admin.site._registry} - {"axes.accessattempt"})
PAGES = ["internals", "drift", "capacity"]


@pytest.mark.parametrize("model", LISTS)
def test_a_list_is_whole(operator: Operator, rows: None, model: str) -> None:
    operator.open(f"/admin/{model.replace('.', '/')}/")
    operator.look(f"list {model}")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_desk_is_whole(operator: Operator, rows: None, name: str) -> None:
    operator.open(f"/admin/{name}/")
    operator.look(f"page {name}")


def test_an_empty_list_names_the_next_step(operator: Operator) -> None:
    without = [
        model._meta.label
        for model, one in admin.site._registry.items()
        if model._meta.label_lower in LISTS and not getattr(one, "when_empty", "")
    ]
    assert sorted(without) == ["auth.Group", "auth.User"], (
        "migrating makes groups, and there is a user: the one who looks"
    )
    operator.open("/admin/domains/domain/")
    operator.look("list empty")
