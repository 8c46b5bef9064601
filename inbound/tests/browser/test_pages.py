"""Pages that no task opens: of rows, of forms, of errors, and the description of the API."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from playwright.sync_api import expect

from desk.pages import work
from inbound.tests.browser.looking import Operator
from inbound.tests.support.admin_site import url
from mail.models import Message, ReceivedEmail

# Tasks open the pages of the others.
ROWS = [
    "addresses.blockedemail", "auth.group", "auth.user", "domains.dnsrecord", "inbound.apikey", "mail.endpointgate",
    "mail.eventnotice", "mail.mailsweep", "ses_integration.domainsync", "ses_integration.lease", "ses_integration.ledgerentry",
    "ses_integration.ratelimit", "ses_integration.rulesetstate", "workers.worker",
]  # fmt: skip
FORMS = {
    "add blocked email": "addresses/blockedemail/add/",
    "add group": "auth/group/add/",
    "add user": "auth/user/add/",
    "add address endpoint": "endpoints/endpoint/add/?type=email",
    "add group endpoint": "endpoints/endpoint/add/?type=email_group",
    "change password": "password_change/",
}


@pytest.mark.parametrize("model", ROWS)
def test_the_page_of_a_row_is_whole(operator: Operator, rows: None, model: str) -> None:
    [page] = [one for one in admin.site._registry if one._meta.label_lower == model]
    row = page._default_manager.order_by("pk").last()
    assert row is not None
    operator.open(url(model, "change", row.pk))
    operator.look(f"row {model}")


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_whole(operator: Operator, rows: None, name: str) -> None:
    operator.open(f"/admin/{FORMS[name]}")
    operator.look(name)


def test_deleting_mail_and_endpoints_is_asked(operator: Operator, rows: None) -> None:
    page = operator.page
    for model in ("endpoints.endpoint", "mail.receivedemail"):
        operator.open(url(model, "changelist"))
        page.locator("#action-toggle").check()
        page.get_by_label("Action:").select_option("delete_selected")
        page.get_by_role("button", name="Go").click()
        operator.look(f"delete {model}")


def test_a_download_that_may_be_harmful_is_asked_for(operator: Operator, rows: None) -> None:
    Message.objects.update(virus="FAIL")
    operator.open(f"/admin/mail/receivedemail/{quote(ReceivedEmail.objects.latest('pk').pk)}/raw/")
    expect(operator.page.get_by_role("heading", name="SES has found a virus in this mail")).to_be_visible()
    operator.look("download")


@pytest.mark.parametrize(("path", "status"), [("/admin/nothing/", 404), ("/admin/work/", 500)])
def test_an_error_has_a_page(operator: Operator, monkeypatch, path: str, status: int) -> None:
    def fail() -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(work, "read_state", fail)
    answer = operator.page.goto(operator.base_url + path)
    assert answer is not None
    assert answer.status == status
    operator.look(f"error {status}")
    operator.faults.clear()


def test_who_is_locked_out_reads_until_when(visitor: Operator, settings) -> None:
    settings.AXES_FAILURE_LIMIT = 1
    page = visitor.page
    visitor.open("/admin/login/")
    page.get_by_label("Username").fill("jo")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("You can sign in again at")
    visitor.look("locked")
    visitor.faults.clear()


def test_who_signs_out_is_told_so(operator: Operator) -> None:
    operator.open("/admin/")
    operator.page.get_by_role("button", name="Log out").click()
    operator.look("signed out")


def test_the_description_of_the_api_is_readable(visitor: Operator) -> None:
    visitor.open("/api/v2/docs")
    visitor.page.get_by_role("heading", name="domains").first.wait_for()
    visitor.look("api docs")
