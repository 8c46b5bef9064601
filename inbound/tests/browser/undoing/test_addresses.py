"""A deleted address: what is asked before, restored, and lifted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import expect

from addresses.models import DeletedAddress, EmailAddress
from domains.models import Domain
from inbound.tests.browser.looking import Operator
from inbound.tests.support.admin_site import url
from inbound.tests.support.factories import (
    DeletedAddressFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
    WorkerFactory,
)
from ses_integration.emulator.server import Emulator

LIST = "/admin/addresses/deletedaddress/"


@pytest.fixture
def shop(ses: Emulator, admin_user: User, settings) -> Domain:
    settings.ADDRESS_DELETE_GRACE_DAYS = 30
    WorkerFactory()
    crm = EndpointFactory(owner=admin_user, name="CRM")
    domain: Domain = DomainFactory(
        owner=admin_user, name="shop.example", is_catch_all_enabled=True, catch_all_endpoint=crm
    )
    EmailAddressFactory(domain=domain, address="hello@shop.example", endpoint=crm)
    DeletedAddressFactory(domain=domain, address="sales@shop.example", endpoint=crm)
    late = timezone.now() - timedelta(days=1)
    DeletedAddressFactory(domain=domain, address="late@shop.example", restorable_until=late)
    return domain


def test_who_deletes_an_address_reads_how_long_it_can_be_undone(operator: Operator, shop: Domain) -> None:
    page = operator.page
    address = EmailAddress.objects.get()
    operator.open(url("addresses.emailaddress", "delete", address.pk))
    expect(page.get_by_text("This can be undone for 30 days.")).to_be_visible()
    operator.look("tombstone delete address")
    page.get_by_label("Type hello@shop.example to confirm:").fill("hello@shop.example")
    page.get_by_role("button", name="Delete it").click()
    expect(page.locator(".messagelist")).to_contain_text("hello@shop.example")
    operator.glance("tombstone after deletion")
    assert DeletedAddress.objects.filter(address="hello@shop.example", id=address.pk).exists()


def test_a_deleted_address_is_restored(operator: Operator, shop: Domain) -> None:
    page = operator.page
    operator.open(LIST)
    operator.look("tombstone list")
    page.get_by_role("link", name="sales@shop.example").click()
    operator.look("tombstone")
    operator.open(f"{LIST}?restorable=yes")
    page.locator("#action-toggle").check()
    page.get_by_label("Action:").select_option("restore")
    page.get_by_role("button", name="Go").click()
    expect(page.locator(".messagelist")).to_contain_text("Restored: sales@shop.example.")
    operator.glance("tombstone restored")
    assert EmailAddress.objects.filter(address="sales@shop.example").exists()


def test_a_deleted_address_is_lifted(operator: Operator, shop: Domain) -> None:
    page = operator.page
    operator.open(LIST)
    page.locator("#action-toggle").check()
    page.get_by_label("Action:").select_option("delete_selected")
    page.get_by_role("button", name="Go").click()
    operator.look("tombstone lift many")
    page.get_by_role("button", name="Lift").click()
    expect(page.locator(".messagelist")).to_contain_text("Lifted: ")
    operator.glance("tombstone lifted")
    assert not DeletedAddress.objects.exists()


def test_one_deleted_address_is_lifted_from_its_page(operator: Operator, shop: Domain) -> None:
    page = operator.page
    operator.open(
        url("addresses.deletedaddress", "change", DeletedAddress.objects.get(address="sales@shop.example").pk)
    )
    page.get_by_role("link", name="Lift").click()
    operator.look("tombstone lift one")
    page.get_by_role("button", name="Lift").click()
    expect(page.locator(".messagelist")).to_contain_text("sales@shop.example")
