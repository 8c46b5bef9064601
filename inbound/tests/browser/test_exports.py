"""Exports: their list, and their pages in each state."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import expect

from archives.exports.service import start_export
from archives.exports.task import run_exports
from archives.models import Export
from domains.models import Domain
from inbound.tests.browser.looking import Operator, elsewhere
from inbound.tests.support.admin_site import url
from inbound.tests.support.factories import DomainFactory, WorkerFactory
from ses_integration.emulator.server import Emulator

State = Export.State
REFUSED = "S3 refuses PutObject for the bucket mail-eu-west-1: access denied. Give inbound's user s3:PutObject."


@pytest.fixture
def shop(ses: Emulator, admin_user: User) -> Domain:
    WorkerFactory()
    domain: Domain = DomainFactory(owner=admin_user, name="shop.example")
    return domain


@pytest.fixture
def exports(shop: Domain, admin_user: User) -> dict[str, Export]:
    """One of each state. `ready` is in the bucket."""
    start_export(domain=shop, account=admin_user, includes_secrets=True)
    elsewhere(run_exports)
    now = timezone.now()
    states: dict[str, dict[str, Any]] = {
        "waiting": {"domain_name": f"{'long-' * 10}name.a-rather-long-domain.example"},
        "running": {"state": State.RUNNING, "counts": {"mails": 41_000}, "bytes": 4 << 30, "parts": 41, "upload": "u" * 120},
        "stalled": {"state": State.RUNNING, "stalled": True, "failures": 9, "problem": REFUSED, "counts": {"mails": 5000}},
        "failed": {"state": State.FAILED, "problem": REFUSED, "retry_at": None},
        "expired": {"state": State.EXPIRED, "finished_at": now - timedelta(days=8), "retry_at": None},
    }  # fmt: skip
    found = {"ready": Export.objects.get()}
    for name, values in states.items():
        account = User.objects.create_user(f"user of {name}")
        known: dict[str, Any] = {"domain_name": "shop.example", "bucket": "mail", "mails": 100_000, "account": account}
        found[name] = Export.objects.create(domain=shop, **known | values)
    return found


def test_the_list_shows_exports_in_every_state(operator: Operator, exports: dict[str, Export]) -> None:
    operator.open(url("archives.export", "changelist"))
    operator.look("exports")


@pytest.mark.parametrize("state", ["waiting", "running", "stalled", "failed", "ready", "expired"])
def test_an_export_has_a_page(operator: Operator, exports: dict[str, Export], state: str) -> None:
    operator.open(url("archives.export", "change", exports[state].pk))
    # The longest text and the most buttons.
    looks = operator.look if state in ("stalled", "ready") else operator.glance
    looks(f"export {state}")


def test_an_archive_is_downloaded(operator: Operator, exports: dict[str, Export]) -> None:
    page = operator.page
    operator.open(url("archives.export", "changelist"))
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename.endswith(".zip")
    expect(page.get_by_role("link", name="Download")).to_be_visible()


def test_an_export_is_started_on_the_page_of_a_domain(operator: Operator, shop: Domain) -> None:
    page = operator.page
    operator.open(url("domains.domain", "change", shop.pk))
    page.get_by_role("link", name="Export…").click()
    page.get_by_label("With secrets").check()
    operator.look("export form")
    page.get_by_role("button", name="Export").click()
    expect(page.locator(".messagelist")).to_contain_text("Started: the export of shop.example.")
    operator.glance("export started")
    assert Export.objects.get().includes_secrets
    operator.open(f"{url('archives.export', 'add')}?domain={shop.pk}")
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_text("An export of this domain is not finished yet.")).to_be_visible()
    operator.look("export refused")
