"""Keys, users and signing in, as operators see them."""

from __future__ import annotations

import re

from django.contrib.auth.models import User
from django.test import Client

from inbound.models import ApiKey, hash_key, issue_key
from inbound.tests.browser.looking import Operator
from inbound.tests.support.admin_site import url
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory


def test_a_new_key_is_copied_and_not_shown_again(operator: Operator, admin_user: User) -> None:
    page = operator.page
    operator.open(f"{url('inbound.apikey', 'add')}")
    page.get_by_label("Name").fill("Billing")
    page.evaluate(
        "pk => document.querySelector('#id_owner').add(new Option('admin', pk, true, true))", str(admin_user.pk)
    )
    operator.look("key form")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Copy").click()
    page.get_by_text("Copied.").wait_for()
    key = page.locator("#secret").inner_text()
    assert hash_key(key) == ApiKey.objects.get().key_hash
    operator.look("key shown once")
    page.reload()
    assert page.get_by_text("Billing").count() > 0
    assert not re.search(r"inb_[\w-]{43}", page.content())
    assert ApiKey.objects.count() == 1


def test_a_key_is_revoked(operator: Operator, admin_user: User) -> None:
    page = operator.page
    key, _ = issue_key(owner=admin_user, name="Billing")
    operator.open("/admin/inbound/apikey/")
    page.get_by_role("row", name="Billing").get_by_role("checkbox").check()
    page.get_by_label("Action:").select_option("revoke")
    page.get_by_role("button", name="Go").click()
    page.get_by_text("Revoked 1 key.").wait_for()
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_a_user_is_deactivated(operator: Operator, admin_user: User) -> None:
    jo = User.objects.create_user("jo")
    EmailAddressFactory(domain=DomainFactory(owner=jo, name="example.com"), address="a@example.com")
    operator.open(url("auth.user", "change", jo.pk))
    operator.page.get_by_role("link", name="Delete", exact=True).click()
    operator.look("deactivate")
    operator.page.get_by_role("button", name="Deactivate").click()
    operator.page.get_by_text("Deactivated 1 user: jo.").wait_for()
    jo.refresh_from_db()
    assert not jo.is_active


def test_the_wrong_passwords_are_listed(operator: Operator) -> None:
    Client(REMOTE_ADDR="192.0.2.1").post("/admin/login/", {"username": "jo", "password": "wrong"})
    operator.open(url("axes.accessattempt", "changelist"))
    operator.look("wrong passwords")
