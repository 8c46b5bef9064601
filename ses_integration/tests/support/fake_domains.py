"""Domains without tables: stands in for the apps above as SES_SPEC_PROVIDER."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.db import transaction

from ses_integration.conf import ses_config
from ses_integration.emulator.server import Emulator
from ses_integration.plan.spec import AddressSpec, DomainSpec
from ses_integration.reconcile import outbox
from ses_integration.reconcile.loop import reconcile

PROVIDER = "ses_integration.tests.support.fake_domains.provide"
DOMAIN = "example.com"

_rows: dict[str, DomainSpec] = {}

# Functions that run once, the next time the rows are read.
after_reading: list[Callable[[], object]] = []


def provide(names: list[str] | None, slots: range | None = None) -> list[DomainSpec]:
    """Specs of these domains, or of all, with the addresses in these slots, or all."""
    found = [row for name, row in _rows.items() if names is None or name in names]
    if slots is not None:
        found = [replace(row, addresses=tuple(it for it in row.addresses if it.slot in slots)) for row in found]
    while after_reading:
        after_reading.pop()()
    return found


def receive(
    *local_parts: str, domain: str = DOMAIN, catch_all: bool = False, incarnation: str = "1", slot: int | None = None
) -> None:
    """Set the addresses of a domain and mark it dirty, without a drain: the test decides who reconciles it and when.

    Their slots are 0, 1 and so on. `slot`: the one that the mark lists.
    """
    addresses = tuple(AddressSpec(f"{local}@{domain}", slot) for slot, local in enumerate(local_parts))
    _mark(domain, slot)
    _rows[domain] = DomainSpec(domain, f"emails/{domain}/{incarnation}/", addresses, catch_all, inactive=())


def remove(domain: str = DOMAIN) -> None:
    """Remove a domain and mark it dirty."""
    _mark(domain)
    _rows.pop(domain, None)


def change_behind_our_back(*local_parts: str, domain: str = DOMAIN) -> None:
    """Set the addresses of a domain without marking it, as raw SQL or a restored backup do."""
    addresses = tuple(AddressSpec(f"{local}@{domain}", slot) for slot, local in enumerate(local_parts))
    _rows[domain] = DomainSpec(domain, f"emails/{domain}/1/", addresses, inactive=())


def _mark(domain: str, slot: int | None = None) -> None:
    with transaction.atomic():
        outbox.raise_generation(ses_config(), domain, slot)


@pytest.fixture
def rows(settings):
    _rows.clear()
    after_reading.clear()
    settings.SES_SPEC_PROVIDER = PROVIDER
    yield _rows
    _rows.clear()


@pytest.fixture
def ses_with_a(ses: Emulator, rows: object) -> Emulator:
    """SES and the rows hold the address `a`."""
    receive("a")
    reconcile(DOMAIN)
    ses.clear_journal()
    return ses
