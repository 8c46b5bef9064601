"""Mail that arrives, that waits for somebody, and that could not be delivered."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import expect

from inbound.tests.browser.looking import Operator
from inbound.tests.support.factories import DeliveryFactory, EndpointFactory, ReceivedEmailFactory, WorkerFactory
from mail.models import Delivery
from mail.tests.conftest import postbox
from mail.tests.postbox import Postbox, work
from workers.models import WorkerKind

__all__ = ["postbox"]


@pytest.fixture
def alive(ses) -> None:
    for kind in WorkerKind:
        WorkerFactory(kind=kind)


def test_a_mail_arrives_and_is_read(operator: Operator, postbox: Postbox, alive: None) -> None:
    page = operator.page
    operator.open("/admin/mail/receivedemail/")
    expect(page.get_by_text("No mail is stored.")).to_be_visible()
    postbox.deliver()
    work()
    operator.open("/admin/")
    expect(page.get_by_text("1 in 24 h")).to_be_visible()
    page.get_by_role("navigation", name="Menu").get_by_role("link", name="Mail").click()
    page.get_by_role("link", name="Hello", exact=True).click()
    expect(page.get_by_text("Hi!")).to_be_visible()
    operator.look("mail")


def test_a_mail_is_released_from_quarantine(operator: Operator, admin_user: User, alive: None) -> None:
    page = operator.page
    received = ReceivedEmailFactory(
        domain__owner=admin_user, disposition="quarantined", message__spam="FAIL", message__subject="Win a prize"
    )
    operator.open("/admin/mail/receivedemail/")
    page.get_by_role("link", name="Win a prize").click()
    operator.look("mail in quarantine")
    page.get_by_role("button", name="Release from quarantine").click()
    expect(page.locator(".messagelist")).to_contain_text("Released 1 mail.")
    received.refresh_from_db()
    assert received.disposition != "quarantined"


def test_a_delivery_that_was_given_up_is_made_again(operator: Operator, admin_user: User, alive: None) -> None:
    page = operator.page
    dead = DeliveryFactory(
        received__domain__owner=admin_user,
        endpoint=EndpointFactory(owner=admin_user, name="CRM"),
        state="dead",
        retry_at=None,
        problem="The server answered 500: Internal Server Error",
        attempts=9,
        finished_at=timezone.now(),
    )
    operator.open("/admin/")
    expect(page.get_by_role("status")).to_contain_text("1 thing needs you.")
    page.get_by_role("navigation", name="Menu").get_by_role("link", name="Deliveries").click()
    page.get_by_role("row", name="CRM").get_by_role("link").first.click()
    operator.look("delivery")
    page.get_by_role("button", name="Retry now").click()
    expect(page.locator(".messagelist")).to_contain_text("Asked for 1 delivery.")
    dead.refresh_from_db()
    assert dead.state == Delivery.State.DUE
