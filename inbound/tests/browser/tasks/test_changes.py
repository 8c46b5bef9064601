"""The audit log: from an object to what has been done to it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from rest_framework.test import APIClient

from audit.models import Change
from inbound.tests.audit.test_every_route import Rows, rows
from inbound.tests.browser.looking import Operator, elsewhere

__all__ = ["rows"]


@pytest.fixture
def changed(rows: Rows, api: APIClient) -> Rows:
    path = f"/api/v2/endpoints/{rows.endpoint.pk}"
    config = {"url": "https://hooks.example.net/?token=s3cret", "headers": {"X-Auth": "hidden"}}
    body = {"name": "Ticket system of the second floor", "config": config}
    assert elsewhere(lambda: api.put(path, body)).status_code == 200
    assert api.put(f"/api/v2/email-addresses/{rows.address.pk}", {"isActive": False}).status_code == 200
    return rows


def test_an_operator_finds_out_who_switched_an_address_off(operator: Operator, changed: Rows) -> None:
    page = operator.page
    operator.open(f"/admin/addresses/emailaddress/{changed.address.pk}/change/")
    page.get_by_role("link", name="Changes", exact=True).last.click()
    expect(page.locator("#result_list")).to_contain_text("is active: yes → no")
    operator.look("changes of an address")
    operator.open("/admin/audit/change/")
    operator.look("changes")
    newest = Change.objects.filter(object_type="endpoints.endpoint").latest("pk")
    operator.open(f"/admin/audit/change/{newest.pk}/change/")
    expect(page.locator("body")).not_to_contain_text("s3cret")
    operator.look("one change")
