"""Rows without tables: what the application above would have, as the plain values that ses_integration asks for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction

from ses_integration.conf import ses_config
from ses_integration.emulator.server import Emulator
from ses_integration.plan.spec import AddressSpec, DomainSpec
from ses_integration.reconcile import outbox
from ses_integration.reconcile.loop import reconcile

PROVIDER = "ses_integration.tests.fake_domains.provide"
DOMAIN = "example.com"

_rows: dict[str, DomainSpec] = {}

# What happens next, once, when somebody has read the rows.
after_reading: list[Callable[[], object]] = []


def provide(names: list[str] | None) -> list[DomainSpec]:
    found = [row for name, row in _rows.items() if names is None or name in names]
    while after_reading:
        after_reading.pop()()
    return found


def receive(*local_parts: str, domain: str = DOMAIN, catch_all: bool = False, incarnation: str = "1") -> None:
    """Change the rows and mark, as every door does; no nudge, so each test decides who converges and when."""
    addresses = tuple(AddressSpec(f"{local}@{domain}", slot) for slot, local in enumerate(local_parts))
    _mark(domain)
    _rows[domain] = DomainSpec(domain, f"emails/{domain}/{incarnation}/", addresses, catch_all)


def remove(domain: str = DOMAIN) -> None:
    _mark(domain)
    _rows.pop(domain, None)


def change_behind_our_back(*local_parts: str, domain: str = DOMAIN) -> None:
    """Raw SQL, a restore: the rows change and nothing is marked."""
    addresses = tuple(AddressSpec(f"{local}@{domain}", slot) for slot, local in enumerate(local_parts))
    _rows[domain] = DomainSpec(domain, f"emails/{domain}/1/", addresses)


def _mark(domain: str) -> None:
    with transaction.atomic():
        outbox.raise_generation(ses_config(), domain)


@pytest.fixture
def rows(settings):
    _rows.clear()
    after_reading.clear()
    settings.SES_SPEC_PROVIDER = PROVIDER
    yield _rows
    _rows.clear()


@pytest.fixture
def a(ses: Emulator, rows: object) -> Emulator:
    """SES and the rows hold `{a}`."""
    receive("a")
    reconcile(DOMAIN)
    ses.clear_journal()
    return ses
