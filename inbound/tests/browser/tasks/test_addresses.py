"""An address in the browser: added, deleted, and who did it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from addresses.models import EmailAddress
from inbound.tests.browser.looking import Operator
from inbound.tests.support.aws import rules
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, EndpointFactory, WorkerFactory
from ses_integration.emulator.server import Emulator


@pytest.fixture
def shop(ses: Emulator, admin_user: User) -> None:
    WorkerFactory()
    EndpointFactory(owner=admin_user, name="CRM")
    EmailAddressFactory(domain=DomainFactory(owner=admin_user, name="shop.example"), address="old@shop.example")


def test_an_address_is_added(operator: Operator, ses: Emulator, shop: None) -> None:
    page = operator.page
    operator.open("/admin/")
    page.get_by_role("navigation", name="Menu").get_by_role("link", name="Addresses", exact=True).click()
    page.get_by_role("link", name="Add email address").click()
    page.get_by_label("Address:").fill("hello@shop.exampel")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("There is no domain shop.exampel here.")).to_be_visible()
    operator.look("address with an error")
    page.get_by_label("Address:").fill("hello@shop.example")
    operator.choose("CRM", field="endpoint")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("hello@shop.example")
    assert rules(ses) == {"inbound-shop.example-rule": {"old@shop.example", "hello@shop.example"}}


def test_an_address_is_deleted_and_the_log_says_by_whom(operator: Operator, ses: Emulator, shop: None) -> None:
    page = operator.page
    operator.open("/admin/addresses/emailaddress/")
    page.get_by_role("link", name="old@shop.example").click()
    operator.look("address")
    page.get_by_role("link", name="Delete", exact=True).click()
    operator.look("delete address")
    page.get_by_label("Type old@shop.example to confirm:").fill("old@shop.example")
    page.get_by_role("button", name="Delete it").click()
    expect(page.locator(".messagelist")).to_contain_text("old@shop.example")
    assert not EmailAddress.objects.exists()
    assert rules(ses) == {}
    page.get_by_role("navigation", name="Menu").get_by_role("link", name="Changes").click()
    page.locator("#searchbar").fill("old@shop.example")
    page.get_by_role("button", name="Search").click()
    row = page.get_by_role("row", name="old@shop.example deleted")
    expect(row).to_contain_text("admin")
    row.get_by_role("link").first.click()
    operator.look("change")
