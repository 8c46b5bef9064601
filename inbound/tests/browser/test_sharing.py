"""Who has access to a domain: shown on its page, given there, and taken back."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from domains.models import Domain, DomainAccess
from domains.sharing.service import share
from inbound.tests.browser.looking import Operator
from inbound.tests.support.admin_site import url
from inbound.tests.support.factories import DomainFactory, WorkerFactory
from ses_integration.emulator.server import Emulator


@pytest.fixture
def shop(ses: Emulator, admin_user: User) -> Domain:
    WorkerFactory()
    domain: Domain = DomainFactory(owner=admin_user, name="shop.example")
    return domain


@pytest.fixture
def people(shop: Domain) -> list[User]:
    names = ("jo", "a.very.long.user.name.of.somebody@a-rather-long-domain.example")
    found = [User.objects.create_user(name) for name in names]
    for user, role in zip(found, ("viewer", "manager"), strict=True):
        share(domain=shop, user=user, role=role)
    return found


def test_a_domain_is_shared_from_its_page(operator: Operator, shop: Domain) -> None:
    page = operator.page
    User.objects.create_user("jo")
    operator.open(url("domains.domain", "change", shop.pk))
    page.get_by_role("link", name="Shared with", exact=True).click()
    expect(page.get_by_text("Only its owner has access.")).to_be_visible()
    operator.look("shares none")
    page.get_by_role("link", name="Share it").click()
    operator.choose("jo", field="user")
    page.get_by_label("Role").select_option("viewer")
    operator.look("share form")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist")).to_have_text("Shared: shop.example with jo, as viewer.")
    operator.glance("share added")
    expect(page.get_by_role("row", name="jo")).to_contain_text("Viewer")


def test_access_is_changed_and_taken_back(operator: Operator, shop: Domain, people: list[User]) -> None:
    page = operator.page
    User.objects.filter(username="jo").update(is_active=False)
    operator.open(f"{url('domains.domain', 'change', shop.pk)}?tab=shares")
    operator.look("shares")
    page.get_by_role("link", name="All 2 accounts").click()
    operator.look("shares list")
    operator.open(url("domains.domainaccess", "change", DomainAccess.objects.get(user=people[0]).pk))
    operator.look("share")
    page.get_by_label("Role").select_option("manager")
    page.get_by_role("button", name="Save", exact=True).click()
    assert DomainAccess.objects.get(user=people[0]).role == "manager"
    operator.open(url("domains.domainaccess", "delete", DomainAccess.objects.get(user=people[0]).pk))
    operator.look("unshare one")
    operator.open(url("domains.domainaccess", "changelist"))
    page.locator("#action-toggle").check()
    page.get_by_label("Action:").select_option("delete_selected")
    page.get_by_role("button", name="Go").click()
    operator.look("unshare many")
    page.locator("#content input[type=submit]").click()
    operator.glance("unshared")
    assert not DomainAccess.objects.exists()
