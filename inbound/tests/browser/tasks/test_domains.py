"""A domain in the browser: add it, publish its records, look at its tabs."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from domains.lifecycle.register import add_domain
from domains.models import DnsRecord, Domain
from inbound.tests.browser.looking import Operator, elsewhere
from inbound.tests.support.aws import keep_new_identities_pending
from inbound.tests.support.factories import EmailAddressFactory, EndpointFactory, WorkerFactory
from ses_integration.emulator.server import Emulator


@pytest.fixture
def pending(ses: Emulator, admin_user: User) -> Domain:
    """A domain whose records nobody has published."""
    keep_new_identities_pending(ses)
    WorkerFactory()
    return added(admin_user, "shop.example")


def test_a_domain_is_added_and_its_records_are_shown(operator: Operator, ses: Emulator) -> None:
    page = operator.page
    keep_new_identities_pending(ses)
    operator.open("/admin/domains/domain/add/")
    page.get_by_label("Name:").fill("shop.example")
    operator.choose("admin", field="owner")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("Added: shop.example.")
    expect(page.get_by_role("link", name="DNS", exact=True)).to_have_attribute("aria-current", "page")
    expect(page.get_by_text("0 of 9 records are published.")).to_be_visible()
    operator.look("domain added")


def test_a_record_is_copied(operator: Operator, pending: Domain) -> None:
    page = operator.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    operator.open(f"/admin/domains/domain/{_quoted(pending)}/change/?tab=dns")
    page.get_by_role("button", name="Copy the value").first.click()
    expect(page.get_by_text("Copied")).to_be_visible()
    record = DnsRecord.objects.get(name="_amazonses.shop.example")
    assert page.evaluate("navigator.clipboard.readText()") == record.value


def test_the_page_follows_the_records_that_are_published(operator: Operator, pending: Domain) -> None:
    page = operator.page
    page.clock.install()
    operator.open(f"/admin/domains/domain/{_quoted(pending)}/change/?tab=dns")
    DnsRecord.objects.update(state="verified")
    page.clock.fast_forward(15_000)
    expect(page.get_by_text("9 of 9 records are published.")).to_be_visible()


@pytest.mark.parametrize("tab", ["", "addresses", "dns", "ses", "deletions", "changes"])
def test_a_tab_is_readable(operator: Operator, ses: Emulator, admin_user: User, tab: str) -> None:
    domain = added(admin_user, "example.com")
    endpoint = EndpointFactory(owner=admin_user, name="Main hook")
    for name in ("hello", "sales", "a.very.long.name.of.somebody.who.works.here"):
        EmailAddressFactory(domain=domain, address=f"{name}@example.com", endpoint=endpoint)
    zone = "&zone=1" if tab == "dns" else ""
    operator.open(f"/admin/domains/domain/{_quoted(domain)}/change/?tab={tab}{zone}")
    operator.look(f"domain tab {tab or 'first'}")


def added(owner: User, name: str) -> Domain:
    return elsewhere(lambda: add_domain(owner=owner, name=name).domain)


def _quoted(domain: Domain) -> str:
    return domain.pk.replace("_", "_5F")
