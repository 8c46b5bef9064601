"""Deleting in the browser: what is asked, what follows, and the report."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from domains.deletion.proof import prove_deletions
from domains.deletion.service import resume_deletions
from domains.lifecycle.register import add_domain
from domains.models import Domain, DomainDeletion
from inbound.tests.browser.looking import Operator, elsewhere
from inbound.tests.support.aws import store_mail
from inbound.tests.support.factories import EmailAddressFactory, WorkerFactory
from ses_integration.emulator.server import Emulator


@pytest.fixture
def shops(ses: Emulator, admin_user: User) -> list[Domain]:
    WorkerFactory()
    names = [f"shop{number:02}.example" for number in range(3)]
    found = elsewhere(lambda: [add_domain(owner=admin_user, name=name).domain for name in names])
    for domain in found:
        EmailAddressFactory(domain=domain, address=f"hello@{domain.name}")
    return found


def test_a_domain_is_deleted_once_its_name_is_typed(operator: Operator, shops: list[Domain]) -> None:
    page = operator.page
    operator.open("/admin/domains/domain/")
    page.get_by_role("link", name="shop00.example").click()
    page.get_by_role("link", name="Delete…").click()
    expect(page.get_by_text("1 address · no mail · 1 rule · identity")).to_be_visible()
    operator.look("delete one")
    page.get_by_label("Type shop00.example to confirm:").fill("shop01.example")
    page.get_by_role("button", name="Delete it").click()
    expect(page.locator(".messagelist")).to_contain_text("Nothing was deleted")
    assert Domain.objects.filter(name="shop00.example").exists()
    page.get_by_label("Type shop00.example to confirm:").fill("shop00.example")
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_role("heading", name="Deletion of shop00.example")).to_be_visible()
    assert not Domain.objects.filter(name="shop00.example").exists()
    expect(page.get_by_text("Finished, to be verified")).to_be_visible()
    prove_deletions()
    page.reload()
    expect(page.get_by_text("Finished and verified")).to_be_visible()
    operator.look("report verified")


def test_many_domains_are_deleted_and_their_page_follows(operator: Operator, shops: list[Domain]) -> None:
    page = operator.page
    page.clock.install()
    operator.open("/admin/domains/domain/")
    page.locator("#action-toggle").check()
    page.get_by_label("Action:").select_option("delete_selected")
    page.get_by_role("button", name="Go").click()
    operator.look("delete many")
    page.get_by_label("Type delete 3 domains to confirm:").fill("delete 3 domains")
    page.get_by_role("button", name="Delete them").click()
    expect(page.get_by_text("3 domains: 3 finished, 0 pending, 0 verified")).to_be_visible()
    operator.look("delete results")
    prove_deletions()
    page.clock.fast_forward(20_000)
    expect(page.get_by_text("3 domains: 3 finished, 0 pending, 3 verified")).to_be_visible()


def test_a_report_says_what_s3_refuses_and_is_tried_again(
    operator: Operator, ses: Emulator, shops: list[Domain]
) -> None:
    page = operator.page
    domain = shops[0]
    store_mail(f"{domain.key_prefix}mail")
    ses.add_faults({"service": "s3", "action": "ListObjectVersions", "fault": "access_denied", "times": None})
    domain.delete()
    resume_deletions()
    operator.open(f"/admin/domains/domaindeletion/{DomainDeletion.objects.get().pk.replace('_', '_5F')}/change/")
    expect(page.get_by_text("Pending: stored mail")).to_be_visible()
    operator.look("report pending")
    ses.clear_faults()
    page.get_by_role("button", name="Try now").click()
    expect(page.locator(".messagelist")).to_have_text("1 finished.")


def test_what_could_not_be_looked_up_is_named(operator: Operator, ses: Emulator, shops: list[Domain]) -> None:
    ses.add_faults({"service": "s3", "action": "*", "fault": "access_denied", "times": None})
    operator.open(f"/admin/domains/domain/{shops[0].pk.replace('_', '_5F')}/delete/")
    expect(operator.page.get_by_text("Stored mail: its size could not be looked up.")).to_be_visible()
    operator.look("delete uncertain")
