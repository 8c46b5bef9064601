"""Imports: the form with its preview, their list, and their pages in each state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import expect

from archives.models import Import
from archives.tests.uploads.uploading import with_mails
from domains.models import Domain
from inbound.tests.browser.looking import Operator
from inbound.tests.support.admin_site import url
from inbound.tests.support.factories import DomainFactory, WorkerFactory
from ses_integration.emulator.server import Emulator

REFUSED = "S3 refuses PutObject for the bucket mail-eu-west-1: access denied. Give inbound's user s3:PutObject."
TO_FILL_IN = [
    "Endpoint CRM is inactive. Its signing secret is new: set the earlier one, or give its receiver the new one.",
    "No endpoint is known for hello@shop.example: choose one for each.",
]


@pytest.fixture
def archive(ses: Emulator, tmp_path: Path) -> Path:
    WorkerFactory()
    file = tmp_path / "example.zip"
    file.write_bytes(with_mails(2))
    return file


@pytest.fixture
def imports(ses: Emulator, admin_user: User) -> dict[str, Import]:
    """One of each state."""
    WorkerFactory()
    domain: Domain = DomainFactory(owner=admin_user, name="shop.example")
    created = {"addresses": 1200, "blockedEmails": 3, "endpoints": 1}
    states: dict[str, dict[str, Any]] = {
        "waiting": {"state": "pending", "domain_name": f"{'long-' * 10}name.a-rather-long-domain.example"},
        "running": {"state": "running", "stored": 41_000, "missing": 2, "bytes": 4 << 30, "tag": "t"},
        "stalled": {"state": "running", "stalled": True, "failures": 9, "problem": REFUSED, "stored": 5000},
        "failed": {"state": "failed", "problem": REFUSED, "retry_at": None, "existed": True},
        "done": {"stored": 100_000, "finished_at": timezone.now(), "to_fill_in": TO_FILL_IN, "warning": "SES waits."},
    }
    found = {}
    for name, values in states.items():
        account = User.objects.create_user(f"user of {name}")
        own = domain if name == "waiting" else DomainFactory(owner=account)
        known: dict[str, Any] = {"domain_name": "shop.example", "bucket": "mail", "with_mail": True, "mails": 100_000}
        found[name] = Import.objects.create(domain=own, account=account, created=created, **known | values)
    return found


def test_the_list_shows_imports_in_every_state(operator: Operator, imports: dict[str, Import]) -> None:
    operator.open(url("archives.import", "changelist"))
    operator.look("imports")


@pytest.mark.parametrize("state", ["waiting", "running", "stalled", "failed", "done"])
def test_an_import_has_a_page(operator: Operator, imports: dict[str, Import], state: str) -> None:
    operator.open(url("archives.import", "change", imports[state].pk))
    operator.look(f"import {state}")


def fill_in(operator: Operator, owner: User, archive: Path) -> None:
    operator.choose(owner.username, field="account")
    operator.page.get_by_label("With its mail").check()
    operator.page.get_by_label("Archive").set_input_files(archive)


def test_an_archive_is_looked_at_and_then_imported(operator: Operator, admin_user: User, archive: Path) -> None:
    page = operator.page
    operator.open(url("archives.import", "changelist"))
    page.locator(".object-tools a").click()
    operator.look("import form")
    fill_in(operator, admin_user, archive)
    page.get_by_role("button", name="Show what would be imported").click()
    expect(page.get_by_text(f"example.com would be imported for {admin_user.username}:")).to_be_visible()
    operator.look("import preview")
    assert not Domain.objects.exists()
    page.get_by_label("Archive").set_input_files(archive)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("Imported: example.com.")
    operator.look("import started")
    assert Import.objects.get().with_mail
    operator.open(url("archives.import", "add"))
    fill_in(operator, admin_user, archive)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("Mail of this domain is being imported already.")).to_be_visible()
    operator.look("import refused")
