"""Lists of very many rows count and show only the first of them."""

from __future__ import annotations

import pytest
from django.test import Client

from backoffice import lists
from inbound.tests.support.admin_site import text, url
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, UserFactory

ADDRESSES = url("addresses.emailaddress", "changelist")


@pytest.fixture(autouse=True)
def many(ses, monkeypatch) -> None:
    monkeypatch.setattr(lists, "MOST_LISTED", 60)
    domain = DomainFactory(owner=UserFactory(), name="example.com")
    for number in range(61):
        EmailAddressFactory(domain=domain, address=f"a{number:02}@example.com")


def test_more_rows_than_are_listed_are_not_counted(admin_client: Client):
    page = admin_client.get(ADDRESSES)
    assert "more than 60 email addresses" in text(page)
    assert page.context["cl"].paginator.num_pages == 2
    assert "a59@example.com" in text(admin_client.get(f"{ADDRESSES}?p=2"))
    assert admin_client.get(f"{ADDRESSES}?p=3").status_code == 302


def test_search_finds_what_is_not_listed(admin_client: Client):
    shown = text(admin_client.get(f"{ADDRESSES}?q=a60"))
    assert "a60@example.com" in shown
    assert "1 email address" in shown
