"""The accounts that the benchmark works with. Needs Django to be set up."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.utils import timezone

from addresses.models import EmailAddress
from domains.models import Domain
from endpoints.models import Endpoint
from inbound.models import issue_key
from ses_integration.config import ses_config
from ses_integration.models import IdentityFacts, LedgerEntry

LISTED = 100


@dataclass(frozen=True, slots=True)
class Account:
    key: str
    owner: User
    endpoint_id: str


def account(name: str) -> Account:
    owner = User.objects.create(username=name)
    endpoint = Endpoint.objects.create(
        owner=owner, name="Main", type=Endpoint.Type.WEBHOOK, config={"url": "https://hooks.example.org/mail"}
    )
    return Account(issue_key(owner=owner, name="bench")[1], owner, endpoint.pk)


def many_domains(owner: User) -> None:
    """A hundred verified domains with what SES told of them, past the receivers: SES has no part in reading a list."""
    config, now = ses_config(), timezone.now()
    names = [f"d{number}.listed.example.org" for number in range(LISTED)]
    Domain.objects.bulk_create(Domain(owner=owner, name=name, status=Domain.Status.VERIFIED) for name in names)
    entries = LedgerEntry.objects.bulk_create(
        LedgerEntry(
            region=config.region,
            rule_set=config.rule_set,
            domain=name,
            kind="identity",
            name=name,
            known="present",
            exists=True,
            changed_at=now,
        )
        for name in names
    )
    IdentityFacts.objects.bulk_create(
        IdentityFacts(entry=entry, ours=True, status="Success", checked_at=now) for entry in entries
    )


def many_addresses(domain_id: str, endpoint_id: str, count: int, start: int = 0) -> list[str]:
    """Addresses of a domain, past the receivers; the next one that is added over the API takes them to SES as well."""
    name = Domain.objects.get(pk=domain_id).name
    rows = EmailAddress.objects.bulk_create(
        EmailAddress(domain_id=domain_id, address=f"a{start + number}@{name}", endpoint_id=endpoint_id)
        for number in range(count)
    )
    return [row.pk for row in rows]
