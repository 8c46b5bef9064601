"""What the admin says when a page is not there, not allowed, or fails: in its own look, with the next step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from desk.pages import home
from inbound.tests.support.admin_site import staff, text

HOME = "/admin/"


def assert_page(answer: Any, status: int, title: str) -> None:
    assert answer.status_code == status
    shown = text(answer)
    assert f"<h1>{title}</h1>" in shown
    assert f'href="{HOME}">To the desk' in shown


def test_a_page_that_is_not_there(admin_client: Client):
    assert_page(admin_client.get("/admin/nothing/"), 404, "Not found")


def test_a_page_that_is_not_allowed(ses, client: Client):
    staff(client)
    assert_page(client.get("/admin/work/"), 403, "Not permitted")


def test_a_form_without_a_token(admin_user):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert_page(client.post("/admin/drift/", {"look": ""}), 403, "The form was not taken")


@pytest.mark.parametrize(
    "send",
    [
        lambda client: client.post("/admin/login/", {"username": "anna"}),
        lambda client: client.get("/admin/login/", headers={"host": "elsewhere.example"}),
        lambda client: client.get("/admin/r/0/x/"),
    ],
    ids=["form without a token", "other host", "missing page"],
)
def test_who_has_not_signed_in_does_not_learn_the_account(db, settings, send: Callable[[Client], Any]):
    settings.AWS_ACCOUNT_ID, settings.AWS_REGION = "210987654321", "eu-north-1"
    answer = send(Client(enforce_csrf_checks=True))
    assert answer.status_code in (302, 400, 403, 404)
    for secret in (settings.AWS_ACCOUNT_ID, settings.AWS_REGION, settings.SES_RULE_SET):
        assert secret not in text(answer)


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        (RuntimeError("a fault"), 500, "Something went wrong"),
        (OperationalError("the connection is lost"), 503, "The database is not available at the moment"),
        (ValueError("Field 'id' expected a number"), 400, "This is not possible"),
    ],
)
def test_a_page_that_fails(ses, admin_client: Client, monkeypatch, error: Exception, status: int, title: str):
    def fail(owner: object = None) -> None:
        raise error

    monkeypatch.setattr(home, "read_state", fail)
    admin_client.raise_request_exception = False
    answer = admin_client.get(HOME)
    assert_page(answer, status, title)
    assert "a fault" not in text(answer)
