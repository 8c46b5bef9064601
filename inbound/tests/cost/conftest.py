"""A domain, in a small and in a large installation."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from rest_framework.test import APIClient

from addresses.models import EmailAddress
from domains.models import Domain, DomainDeletion, Step
from endpoints.models import Endpoint
from inbound.tests.support.factories import EndpointFactory, UserFactory
from inbound.tests.support.prepared import verified_domain
from ses_integration.api import mark_dirty
from ses_integration.conf import ses_config
from ses_integration.drift.sweep import sweep_database
from ses_integration.emulator.server import Emulator
from ses_integration.models import DomainSync, LedgerEntry, LedgerRecipient

OTHER_DOMAINS = 40
EARLIER_DELETIONS = 40
OTHER_ADDRESSES = 300


@dataclass(frozen=True)
class Installation:
    """`domain` is confirmed by SES and has no address. `others`: how many more addresses it gets in this installation."""

    domain: Domain
    endpoint: Endpoint
    others: int

    def add_addresses(self, count: int) -> list[str]:
        """Add active addresses to the domain, and reconcile it. Returns their ids."""
        first = EmailAddress.objects.filter(domain=self.domain).count()
        added = EmailAddress.objects.bulk_create(
            EmailAddress(domain=self.domain, endpoint=self.endpoint, address=f"a{slot}@{self.domain.name}", slot=slot)
            for slot in range(first, first + count)
        )
        with transaction.atomic():
            mark_dirty(self.domain.name)
        return [row.pk for row in added]


@pytest.fixture(params=["small", "large"])
def installation(request: pytest.FixtureRequest, ses: Emulator, user: User, api: APIClient) -> Installation:
    """An installation that has done what happens once, and a key that was used a moment ago.

    No cost may grow with the installation, so a test expects the same steps in both.
    """
    domain = verified_domain(ses, user, "example.com")
    endpoint = EndpointFactory(owner=user)
    sweep_database()
    is_large = request.param == "large"
    if is_large:
        add_other_domains(user, endpoint)
        add_other_domains(UserFactory(), None)
        add_earlier_deletions(user)
    assert api.get("/api/v2/domains").status_code == 200
    return Installation(domain, endpoint, OTHER_ADDRESSES if is_large else 0)


def add_other_domains(owner: User, endpoint: Endpoint | None) -> None:
    """Domains of one address each, with a ledger as if SES had confirmed them."""
    domains = Domain.objects.bulk_create(
        Domain(owner=owner, name=f"d{n}.{owner.username}.example", status=Domain.Status.VERIFIED)
        for n in range(OTHER_DOMAINS)
    )
    addresses = EmailAddress.objects.bulk_create(
        EmailAddress(domain=domain, endpoint=endpoint, address=f"a@{domain.name}", slot=0) for domain in domains
    )
    names = [domain.name for domain in domains]
    add_sync_states(names)
    add_entries("identity", names)
    LedgerRecipient.objects.bulk_create(
        LedgerRecipient(entry=rule, recipient=address.address)
        for rule, address in zip(add_entries("rule", names), addresses, strict=True)
    )


def add_earlier_deletions(owner: User) -> None:
    """Finished deletions: of other domains, and of earlier domains with the name of `Installation.domain`."""
    names = [f"deleted{n}.example" for n in range(EARLIER_DELETIONS)]
    add_sync_states(names)
    done = dict.fromkeys(DomainDeletion.STEPS, Step.DONE)
    DomainDeletion.objects.bulk_create(
        DomainDeletion(domain_id=f"deleted{n}", name=name, owner=owner, finished_at=timezone.now(), **done)
        for n, name in enumerate([*names, *["example.com"] * EARLIER_DELETIONS])
    )


def add_sync_states(names: list[str]) -> None:
    DomainSync.objects.bulk_create(
        DomainSync(**scope(), domain=name, generation=1, observed_generation=1) for name in names
    )


def add_entries(kind: str, names: list[str]) -> list[LedgerEntry]:
    return LedgerEntry.objects.bulk_create(
        LedgerEntry(**scope(), domain=name, kind=kind, name=name, presence="present", changed_at=timezone.now())
        for name in names
    )


def scope() -> dict[str, str]:
    config = ses_config()
    return {"region": config.region, "rule_set": config.rule_set}
