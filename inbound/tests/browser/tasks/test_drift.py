"""What others have changed in SES, and how full the quotas are."""

from __future__ import annotations

from django.contrib.auth.models import User
from playwright.sync_api import expect

from addresses.models import EmailAddress
from inbound.tests.browser.looking import Operator
from inbound.tests.support.aws import remove_rule, rules
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, WorkerFactory
from ses_integration.emulator.server import Emulator

RULE = "inbound-shop.example-rule"


def test_a_missing_rule_is_found_and_put_right(operator: Operator, ses: Emulator, admin_user: User) -> None:
    page = operator.page
    WorkerFactory()
    EmailAddressFactory(domain=DomainFactory(owner=admin_user, name="shop.example"), address="hello@shop.example")
    remove_rule(RULE)
    operator.open("/admin/")
    menu = page.get_by_role("navigation", name="Menu")
    menu.get_by_role("link", name="Drift").click()
    page.get_by_role("button", name="Look now").click()
    expect(page.locator("#content")).to_contain_text(RULE)
    operator.look("drift")
    page.get_by_role("button", name="Put right what is ours").click()
    operator.look("put right")
    page.get_by_role("button", name="Yes, put it right").click()
    expect(page.get_by_text("SES held what it should at that time, and nothing else of ours.")).to_be_visible()
    assert rules(ses) == {RULE: {"hello@shop.example"}}
    menu.get_by_role("link", name="Capacity").click()
    expect(page.locator("#content")).to_contain_text("1 of 200 rules")


def test_a_large_removal_is_typed_first(operator: Operator, ses: Emulator, admin_user: User) -> None:
    page = operator.page
    WorkerFactory()
    address = EmailAddressFactory(domain=DomainFactory(owner=admin_user, name="shop.example"))
    EmailAddress.objects.filter(pk=address.pk)._raw_delete("default")
    operator.open("/admin/drift/")
    page.get_by_role("button", name="Look now").click()
    page.get_by_role("button", name="Put right what is ours").click()
    page.get_by_label("Type remove 1 of 1 rules to go on:").fill("remove")
    page.get_by_role("button", name="Yes, put it right").click()
    expect(page.get_by_text("That is not the phrase above.")).to_be_visible()
    operator.look("put a large removal right")
    page.get_by_label("Type remove 1 of 1 rules to go on:").fill("remove 1 of 1 rules")
    page.get_by_role("button", name="Yes, put it right").click()
    expect(page.get_by_text("SES held what it should at that time, and nothing else of ours.")).to_be_visible()
    assert rules(ses) == {}
