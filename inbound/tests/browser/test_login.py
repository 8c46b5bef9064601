"""Signing in."""

from __future__ import annotations

from django.contrib.auth.models import User

from inbound.tests.browser.looking import Operator


def test_an_operator_signs_in_and_sees_the_desk(visitor: Operator, admin_user: User) -> None:
    visitor.open("/admin/")
    visitor.look("login")
    page = visitor.page
    page.get_by_label("Username").fill(admin_user.username)
    page.get_by_label("Password").fill("password")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/")
    assert "Log out" in page.inner_text("#user-tools")
