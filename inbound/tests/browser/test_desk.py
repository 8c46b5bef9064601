"""The desk: what an operator sees first, and what they do from there."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from inbound.tests.browser.looking import Operator
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory
from ses_integration.emulator.server import Emulator


@pytest.fixture
def throttled(ses: Emulator, settings, admin_user: User) -> Emulator:
    """SES refuses every call, so three domains wait."""
    settings.SES_REQUEST_BUDGET = 0.2
    ses.add_faults({"service": "ses", "action": "*", "fault": "throttle", "times": None})
    for number in range(3):
        EmailAddressFactory(domain=DomainFactory(name=f"shop{number}.example", owner=admin_user))
    return ses


def test_an_empty_installation_says_that_no_worker_runs(operator: Operator) -> None:
    operator.open("/admin/")
    expect(operator.page.get_by_role("status")).to_contain_text("No ses_worker has ever run")
    expect(operator.page.locator("[data-badge=desk]")).to_have_text("1")
    operator.look("desk empty")


def test_what_ses_refuses_is_found_and_tried_again(operator: Operator, throttled: Emulator, settings) -> None:
    page = operator.page
    operator.open("/admin/")
    expect(page.get_by_role("heading", name="Waits for a worker")).to_be_visible()
    operator.look("desk waiting")
    page.get_by_role("navigation", name="Menu").get_by_role("link", name="Work").click()
    operator.look("work")
    throttled.clear_faults()
    settings.SES_REQUEST_BUDGET = 60
    for number in range(2):
        page.get_by_label(f"Select shop{number}.example").check()
    page.get_by_role("button", name="Try selected now").click()
    expect(page.locator(".messagelist")).to_have_text("Tried 2 things: 2 done.")
    expect(page.get_by_label("Select shop0.example")).to_have_count(0)


def test_the_menu_opens_on_a_phone(operator: Operator) -> None:
    page = operator.page
    page.set_viewport_size({"width": 420, "height": 900})
    operator.open("/admin/")
    domains = page.get_by_role("navigation", name="Menu").get_by_role("link", name="Domains")
    expect(domains).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    domains.click()
    expect(page).to_have_url(f"{operator.base_url}/admin/domains/domain/")
