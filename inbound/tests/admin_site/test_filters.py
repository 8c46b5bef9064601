from __future__ import annotations

import pytest
from django.contrib import admin
from django.test import Client

from inbound.tests.support.admin_site import text

FILTERS = [
    (f"/admin/{model._meta.app_label}/{model._meta.model_name}/", choice)
    for model, site in admin.site._registry.items()
    for choice in site.list_filter
    if isinstance(choice, type) and issubclass(choice, admin.SimpleListFilter)
]


@pytest.mark.parametrize("value", ["PENDING", "true", "", "%00"])
@pytest.mark.parametrize(("path", "choice"), FILTERS)
def test_a_value_that_a_filter_does_not_offer_is_left_out_and_the_page_says_so(
    admin_client: Client, path: str, choice: type[admin.SimpleListFilter], value: str
) -> None:
    answer = admin_client.get(f"{path}?{choice.parameter_name}={value}")
    assert (answer.status_code, answer["Location"]) == (302, f"{path}?e=1")
    assert "has no such value" in text(admin_client.get(answer["Location"]))


@pytest.mark.parametrize(("path", "choice"), FILTERS)
def test_the_values_that_a_filter_offers_are_taken(
    admin_client: Client, path: str, choice: type[admin.SimpleListFilter]
) -> None:
    page = text(admin_client.get(path))
    offered = {part.split('"')[0] for part in page.split(f"?{choice.parameter_name}=")[1:]}
    assert len(offered) >= 2
    for value in offered:
        assert admin_client.get(f"{path}?{choice.parameter_name}={value}").status_code == 200
