"""A domain in its grace period: what is asked before, restored, given more time, and ended."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from domains.deletion.service import delete_domain
from domains.lifecycle.register import add_domain
from domains.models import Domain, DomainDeletion
from domains.sharing.service import share
from inbound.tests.browser.looking import Operator, elsewhere
from inbound.tests.support.admin_site import url
from inbound.tests.support.aws import rules
from inbound.tests.support.factories import EmailAddressFactory, WorkerFactory
from ses_integration.emulator.server import Emulator

LIST = "/admin/domains/domaindeletion/"


@pytest.fixture
def shops(ses: Emulator, admin_user: User, settings) -> list[Domain]:
    settings.DOMAIN_DELETE_GRACE_DAYS = 14
    WorkerFactory()
    names = [f"shop{number:02}.example" for number in range(2)]
    found = elsewhere(lambda: [add_domain(owner=admin_user, name=name).domain for name in names])
    for domain in found:
        EmailAddressFactory(domain=domain, address=f"hello@{domain.name}")
    return found


@pytest.fixture
def deleted(shops: list[Domain]) -> DomainDeletion:
    share(domain=shops[0], user=User.objects.create_user("jo"), role="viewer")
    return elsewhere(lambda: delete_domain(domain=shops[0], requested_by="admin"))


def test_who_deletes_reads_how_long_it_can_be_undone(operator: Operator, shops: list[Domain]) -> None:
    page = operator.page
    operator.open(url("domains.domain", "delete", shops[0].pk))
    expect(page.get_by_text("This can be undone for 14 days.")).to_be_visible()
    operator.look("grace delete one")
    page.get_by_label("Type shop00.example to confirm:").fill("shop00.example")
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_text("Receives nothing, and can be restored until")).to_be_visible()
    operator.look("grace after deletion")
    operator.open("/admin/domains/domain/")
    page.locator("#action-toggle").check()
    page.get_by_label("Action:").select_option("delete_selected")
    page.get_by_role("button", name="Go").click()
    operator.look("grace delete many")


def test_a_domain_is_restored(operator: Operator, ses: Emulator, deleted: DomainDeletion) -> None:
    page = operator.page
    assert "inbound-shop00.example-rule" not in rules(ses)
    operator.open(f"{url('domains.domain', 'change', deleted.domain_id)}?tab=deletions")
    operator.look("grace domain")
    page.get_by_role("link", name="Restore it, or end this now").click()
    expect(page.get_by_role("heading", name="Deletion of shop00.example")).to_be_visible()
    operator.open(url("domains.domain", "delete", deleted.domain_id))
    expect(page.locator(".messagelist")).to_contain_text("Already deleted: shop00.example.")
    operator.open(f"{LIST}?state=restorable")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    operator.look("grace list")
    page.get_by_role("link", name="shop00.example").click()
    operator.look("grace report")
    page.get_by_role("button", name="Restore").click()
    expect(page.locator(".messagelist")).to_contain_text("Restored: shop00.example.")
    operator.glance("grace restored")
    assert rules(ses)["inbound-shop00.example-rule"] == {"hello@shop00.example"}
    operator.open(f"{LIST}?state=restored")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)


def test_a_grace_period_is_extended_and_then_ended(operator: Operator, deleted: DomainDeletion) -> None:
    page = operator.page
    before = deleted.restorable_until
    operator.open(url("domains.domaindeletion", "change", deleted.pk))
    page.get_by_role("button", name="Extend by 30 days").click()
    expect(page.locator(".messagelist")).to_contain_text("shop00.example can be restored until")
    deleted.refresh_from_db()
    assert deleted.restorable_until is not None
    assert before is not None
    assert (deleted.restorable_until - before).days == 30
    page.get_by_role("link", name="End now").click()
    expect(page.get_by_role("heading", name="End the grace period now?")).to_be_visible()
    page.get_by_label("Type shop00.example to confirm:").fill("shop00.example")
    operator.look("grace end")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.locator(".messagelist")).to_contain_text("Ended: 1 grace period.")
    assert not Domain.objects.filter(pk=deleted.domain_id).exists()
    operator.glance("grace ended")


def test_grace_periods_are_ended_in_the_list(operator: Operator, shops: list[Domain], deleted: DomainDeletion) -> None:
    page = operator.page
    elsewhere(lambda: delete_domain(domain=shops[1], requested_by="admin"))
    operator.open(LIST)
    page.locator("#action-toggle").check()
    page.get_by_label("Action:").select_option("end_now")
    page.get_by_role("button", name="Go").click()
    page.get_by_label("Type delete 2 domains to confirm:").fill("delete 2 domains")
    operator.look("grace end many")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.locator(".messagelist")).to_contain_text("Ended: 2 grace periods.")
    assert not Domain.objects.exists()
