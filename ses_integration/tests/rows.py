"""Rows without tables: what the application above would have, as the plain values that ses_integration asks for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction

from ses_integration import marks
from ses_integration.config import ses_config
from ses_integration.convergence import converge
from ses_integration.emulator.server import Emulator
from ses_integration.receiving import DomainReceiving, ReceivingAddress

PROVIDER = "ses_integration.tests.rows.provide"
DOMAIN = "example.com"

_rows: dict[str, DomainReceiving] = {}

# What happens next, once, when somebody has read the rows.
after_reading: list[Callable[[], object]] = []


def provide(names: list[str] | None) -> list[DomainReceiving]:
    found = [row for name, row in _rows.items() if names is None or name in names]
    while after_reading:
        after_reading.pop()()
    return found


def receive(*local_parts: str, domain: str = DOMAIN, catch_all: bool = False, life: str = "1") -> None:
    """Change the rows and mark, as every door does; no nudge, so each test decides who converges and when."""
    addresses = tuple(ReceivingAddress(f"{local}@{domain}", slot) for slot, local in enumerate(local_parts))
    _mark(domain)
    _rows[domain] = DomainReceiving(domain, f"emails/{domain}/{life}/", addresses, catch_all)


def remove(domain: str = DOMAIN) -> None:
    _mark(domain)
    _rows.pop(domain, None)


def change_behind_our_back(*local_parts: str, domain: str = DOMAIN) -> None:
    """Raw SQL, a restore: the rows change and nothing is marked."""
    addresses = tuple(ReceivingAddress(f"{local}@{domain}", slot) for slot, local in enumerate(local_parts))
    _rows[domain] = DomainReceiving(domain, f"emails/{domain}/1/", addresses)


def _mark(domain: str) -> None:
    with transaction.atomic():
        marks.bump(ses_config(), domain)


@pytest.fixture
def rows(settings):
    _rows.clear()
    after_reading.clear()
    settings.SES_RECEIVING_PROVIDER = PROVIDER
    yield _rows
    _rows.clear()


@pytest.fixture
def a(ses: Emulator, rows: object) -> Emulator:
    """SES and the rows hold `{a}`."""
    receive("a")
    converge(DOMAIN)
    ses.clear_journal()
    return ses
