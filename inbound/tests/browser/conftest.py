"""Chromium, and an operator who has signed in."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import connections
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, ConsoleMessage, Request, sync_playwright

from desk.models import CapacitySample
from domains.models import DomainDeletion
from inbound.models import issue_key
from inbound.tests.browser.looking import CHROMIUM, FLAGS, HEIGHT, Operator
from inbound.tests.support.factories import (
    BlockedEmailFactory,
    DeliveryFactory,
    DnsRecordFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
    ReceivedEmailFactory,
    WorkerFactory,
)
from mail.models import EndpointGate, EventNotice, MailSweep
from ses_integration.emulator.server import Emulator
from ses_integration.models import RateLimit
from ses_integration.watch.sweeper import SesSweeper


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "inbound/tests/browser" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            # The server and the test use the database at the same time.
            item.add_marker(pytest.mark.postgresql)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        missing = "needs Chromium: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright runs an event loop in the thread of the test, which may use the database all the same.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
        # Beside an event loop Django opens a second connection, which nobody would close.
        connections.close_all()


@pytest.fixture
def visitor(chromium: Browser, live_server, ses) -> Iterator[Operator]:
    """Somebody who has not signed in. Fails if a page asks another server for anything, or writes an error into the console."""
    context = chromium.new_context(viewport={"width": 1400, "height": HEIGHT}, reduced_motion="reduce")
    context.set_default_timeout(10_000)
    page = context.new_page()
    visitor = Operator(page, live_server.url)
    faults = visitor.faults
    waiting: set[Request] = set()

    def told(one: ConsoleMessage) -> None:
        if one.type == "error":
            faults.append(one.text)

    def asked(one: Request) -> None:
        waiting.add(one)
        if not one.url.startswith((live_server.url, "data:", "blob:")):
            faults.append(one.url)

    page.on("console", told)
    page.on("request", asked)
    page.on("requestfinished", lambda one: waiting.discard(one))
    page.on("requestfailed", lambda one: waiting.discard(one))
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield visitor
    # The server must not answer from tables that the next test empties. `networkidle` takes half a second.
    until = time.monotonic() + 10
    while waiting and time.monotonic() < until:
        page.wait_for_timeout(20)
    context.close()
    assert not faults, "\n".join(faults)


@pytest.fixture
def operator(visitor: Operator, admin_user: User) -> Operator:
    """A superuser who has signed in."""
    client = Client()
    client.force_login(admin_user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    visitor.page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": visitor.base_url}])
    return visitor


@pytest.fixture
def rows(ses: Emulator, admin_user: User) -> None:
    """A few of everything, with long names."""
    for name in ("shop.example", f"{'long-' * 10}name.a-rather-long-domain.example"):
        domain = DomainFactory(name=name, owner=admin_user)
        address = EmailAddressFactory(domain=domain, address=f"a.very.long.name.of.an.address@{name}"[:254])
        BlockedEmailFactory(domain=domain)
        DnsRecordFactory(domain=domain, value="v" * 120)
        endpoint = EndpointFactory(owner=admin_user, name=f"Webhook of {name}")
        received = ReceivedEmailFactory(domain=domain, recipient=address.address)
        DeliveryFactory(received=received, endpoint=endpoint, problem="The server answered 500: Internal Server Error")
    issue_key(owner=admin_user, name="continuous integration")
    WorkerFactory()
    DomainDeletion.objects.create(owner=admin_user, name="gone.example", domain_id="gone", requested_by="admin")
    rule: Any = {"Name": "legacy", "Enabled": True, "Recipients": ["shop.example"], "Actions": []}
    boto3.client("ses", region_name="eu-west-1").create_receipt_rule(RuleSetName="inbound-email-rules", Rule=rule)
    SesSweeper(3600.0).sweep()
    today = timezone.now().date()
    for age in range(20):
        CapacitySample.objects.create(
            region="eu-west-1",
            rule_set="inbound-email-rules",
            day=today - timedelta(days=age),
            rules=90 - 4 * age,
            identities=400,
        )
    EventNotice.objects.create(endpoint=endpoint, event="domain.deletion.proved", body='{"domain": "gone.example"}')
    EndpointGate.objects.create(endpoint=endpoint, down_since=timezone.now(), failures=3, problem="Connection refused.")
    MailSweep.objects.create(domain=domain, due_at=timezone.now(), problem="S3 refuses ListObjectsV2.")
    Group.objects.create(name="viewers")
    RateLimit.objects.get_or_create(region="eu-west-1", defaults={"next_slot": timezone.now()})
