"""Create accounts, domains, addresses and ledger rows in bulk. Needs Django to be set up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from addresses.models import BlockedEmail, EmailAddress
from domains.dns.records import records_for
from domains.models import DnsRecord, Domain, DomainDeletion, Step
from endpoints.models import Endpoint
from inbound.models import issue_key
from ses_integration.conf import ses_config
from ses_integration.models import DomainSync, LedgerEntry, LedgerIdentity, LedgerRecipient
from ses_integration.plan.resources import Presence, ResourceKind
from ses_integration.reconcile import snapshot

BATCH = 5000


@dataclass(frozen=True, slots=True)
class Account:
    key: str
    owner: User
    endpoint_id: str


def create_account(name: str) -> Account:
    owner = User.objects.create(username=name)
    endpoint = Endpoint.objects.create(
        owner=owner,
        name="Main",
        type=Endpoint.Type.WEBHOOK,
        config={"url": "https://hooks.example.org/mail"},
        **secret(),
    )
    return Account(issue_key(owner=owner, name="bench")[1], owner, endpoint.pk)


def secret() -> dict[str, str]:
    """The signing secret of a webhook. Earlier revisions had none."""
    if not hasattr(Endpoint, "sealed_secret"):
        return {}
    from endpoints.webhooks import sealing

    return {"sealed_secret": sealing.seal("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}


def create_domains(owner: User, names: Iterable[str]) -> list[Domain]:
    """Create verified domains without signal receivers, so that none is marked dirty."""
    return Domain.objects.bulk_create(
        [Domain(owner=owner, name=name, status=Domain.Status.VERIFIED) for name in names], batch_size=BATCH
    )


def create_addresses(domains: Iterable[Domain], endpoint_id: str, count: int) -> list[EmailAddress]:
    """Create `count` addresses for each new domain, without signal receivers."""
    return EmailAddress.objects.bulk_create(
        [
            EmailAddress(domain=domain, address=f"a{slot}@{domain.name}", slot=slot, endpoint_id=endpoint_id)
            for domain in domains
            for slot in range(count)
        ],
        batch_size=BATCH,
    )


def create_related(owner: User, domains: Sequence[Domain]) -> None:
    """Create what the other lists show: for each domain an endpoint, a block, DNS records and the report of a deletion.

    From the first domain on, every second one has the other values of what lists can be filtered by.
    """
    now, other, sealed = timezone.now(), domains[::2], secret()
    Domain.objects.filter(pk__in=[row.pk for row in other[::2]]).update(status=Domain.Status.PENDING)
    Domain.objects.filter(pk__in=[row.pk for row in other[1::2]]).update(status=Domain.Status.FAILED)
    Domain.objects.filter(pk__in=[row.pk for row in other]).update(can_receive_emails=False)
    EmailAddress.objects.filter(domain__in=other).update(is_active=False)
    Endpoint.objects.bulk_create(
        [
            Endpoint(
                owner=owner,
                name=row.name,
                type=Endpoint.Type.EMAIL if number % 2 else Endpoint.Type.WEBHOOK,
                config={"forwardTo": f"to@{row.name}"} if number % 2 else {"url": f"https://{row.name}/mail"},
                is_active=number % 2 == 1,
                **({} if number % 2 else sealed),
            )
            for number, row in enumerate(domains)
        ],
        batch_size=BATCH,
    )
    BlockedEmail.objects.bulk_create(
        [BlockedEmail(domain=row, email_address=f"blocked@{row.name}") for row in domains], batch_size=BATCH
    )
    DnsRecord.objects.bulk_create(
        [
            DnsRecord(domain=row, record_type=record.type, name=record.name, value=record.value)
            for row in domains
            for record in records_for(row.name, region=ses_config().region, token="token", mail_from=f"mail.{row.name}")  # noqa: S106 - public
        ],
        batch_size=BATCH,
    )
    done = dict.fromkeys(DomainDeletion.STEPS, Step.DONE)
    DomainDeletion.objects.bulk_create(
        [
            DomainDeletion(
                domain_id=f"deleted-{row.pk}",
                name=f"deleted.{row.name}",
                owner=owner,
                **done,
                finished_at=now,
                proved_at=now,
            )
            for row in domains
        ],
        batch_size=BATCH,
    )


def mark_pending(domains: Iterable[Domain]) -> None:
    """Mark new domains as pending."""
    config = ses_config()
    DomainSync.objects.bulk_create(
        DomainSync(region=config.region, rule_set=config.rule_set, domain=domain.name, generation=1)
        for domain in domains
    )


def record_as_confirmed() -> None:
    """Fill the empty ledger as if SES had confirmed the desired state of all rows."""
    config, now = ses_config(), timezone.now()
    where = {"region": config.region, "rule_set": config.rule_set}
    desired = snapshot.desired_of(config, None)
    DomainSync.objects.bulk_create(
        [DomainSync(**where, domain=name, generation=1, observed_generation=1) for name in desired], batch_size=BATCH
    )

    def entry(domain: str, kind: ResourceKind, name: str, digest: str = "") -> LedgerEntry:
        return LedgerEntry(
            **where,
            domain=domain,
            kind=kind,
            name=name,
            presence=Presence.PRESENT,
            exists=True,
            digest=digest,
            changed_at=now,
        )

    identities = [entry(name, ResourceKind.IDENTITY, name) for name in desired]
    rules = [
        (entry(name, ResourceKind.RULE, rule.name, rule.digest), rule.recipients)
        for name, state in desired.items()
        for rule in state.rules
    ]
    LedgerEntry.objects.bulk_create(identities + [row for row, _ in rules], batch_size=BATCH)
    LedgerIdentity.objects.bulk_create(
        [
            LedgerIdentity(
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


def analyze(*, full: bool = True) -> None:
    """Update the statistics of the planner. `full`: also make the tables as small as if they had grown over time.

    The transaction that creates domains leaves four versions of each, which autovacuum could not remove meanwhile.
    """
    with connection.cursor() as cursor:
        if full:
            cursor.execute("VACUUM FULL")
        # VACUUM FULL does not record which pages are visible to all transactions.
        cursor.execute("VACUUM ANALYZE")
