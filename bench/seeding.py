"""The accounts and the rows that the benchmark works with, written in bulk. Needs Django to be set up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from addresses.models import EmailAddress
from domains.models import Domain
from endpoints.models import Endpoint
from inbound.models import issue_key
from ses_integration import reading
from ses_integration.config import ses_config
from ses_integration.models import DomainMark, IdentityFacts, LedgerEntry, LedgerRecipient
from ses_integration.planning import Kind, Known

LISTED = 100
BATCH = 5000


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


def verified_domains(owner: User, names: Iterable[str]) -> list[Domain]:
    """Past the receivers: nobody is told that SES should follow."""
    return Domain.objects.bulk_create(
        [Domain(owner=owner, name=name, status=Domain.Status.VERIFIED) for name in names], batch_size=BATCH
    )


def addresses_of(domains: Iterable[Domain], endpoint_id: str, count: int) -> list[EmailAddress]:
    """So many of each of these new domains, past the receivers; the next one that the API adds takes them to SES as well."""
    return EmailAddress.objects.bulk_create(
        [
            EmailAddress(domain=domain, address=f"a{slot}@{domain.name}", slot=slot, endpoint_id=endpoint_id)
            for domain in domains
            for slot in range(count)
        ],
        batch_size=BATCH,
    )


def owe(domains: Iterable[Domain]) -> None:
    """SES must follow these new domains."""
    config = ses_config()
    DomainMark.objects.bulk_create(
        DomainMark(region=config.region, rule_set=config.rule_set, domain=domain.name, generation=1)
        for domain in domains
    )


def settle() -> None:
    """The ledger as it is when SES has confirmed everything that the rows want; for a ledger that is empty."""
    config, now = ses_config(), timezone.now()
    where = {"region": config.region, "rule_set": config.rule_set}
    wanted = reading.wanted_of(config, None)
    DomainMark.objects.bulk_create(
        [DomainMark(**where, domain=name, generation=1, applied_generation=1) for name in wanted], batch_size=BATCH
    )

    def entry(domain: str, kind: Kind, name: str, digest: str = "") -> LedgerEntry:
        return LedgerEntry(
            **where,
            domain=domain,
            kind=kind,
            name=name,
            known=Known.PRESENT,
            exists=True,
            digest=digest,
            changed_at=now,
        )

    identities = [entry(name, Kind.IDENTITY, name) for name in wanted]
    rules = [
        (entry(name, Kind.RULE, rule.name, rule.digest), rule.recipients)
        for name, wish in wanted.items()
        for rule in wish.rules
    ]
    LedgerEntry.objects.bulk_create(identities + [row for row, _ in rules], batch_size=BATCH)
    IdentityFacts.objects.bulk_create(
        [
            IdentityFacts(
                entry=row,
                ours=True,
                status="Success",
                verification_token="token",  # noqa: S106 - a public DNS record
                mail_from_domain=f"mail.{row.name}",
                mail_from_status="Success",
                checked_at=now,
            )
            for row in identities
        ],
        batch_size=BATCH,
    )
    LedgerRecipient.objects.bulk_create(
        [LedgerRecipient(entry=row, recipient=recipient) for row, recipients in rules for recipient in recipients],
        batch_size=BATCH,
    )


def analyze() -> None:
    """What PostgreSQL does by itself some time after so many rows have come."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
