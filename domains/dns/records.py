"""The DNS records that an owner has to publish (docs/api/compatibility.md, "DNS records")."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.conf import settings

from domains.models import DnsRecord, Domain
from ses_integration.api import RecordedIdentity, configured, mail_from_domain

DEFAULT_DKIM_ZONE = "dkim.amazonses.com"


@dataclass(frozen=True, slots=True)
class Record:
    type: str
    name: str
    value: str
    description: str


def spf(domain: str) -> Record:
    return Record("TXT", domain, "v=spf1 include:amazonses.com ~all", "SPF record for root domain")


def dmarc(domain: str) -> Record:
    policy = f"v=DMARC1; p=none; rua=mailto:dmarc@{domain}; ruf=mailto:dmarc@{domain}; fo=1; aspf=r; adkim=r"
    return Record("TXT", f"_dmarc.{domain}", policy, "DMARC policy record")


def records_for(
    domain: str, *, region: str, token: str = "", dkim_tokens: Sequence[str] = (), dkim_zone: str = ""
) -> list[Record]:
    """The six documented records in their order, and the DKIM CNAMEs. Leaves out records whose token is not known yet.

    Without a region there are none, because records contain its name.
    """
    if not region:
        return []
    mail_from = mail_from_domain(domain)
    records = [
        Record("TXT", f"_amazonses.{domain}", token, "SES domain verification"),
        Record("MX", domain, f"10 inbound-smtp.{region}.amazonaws.com", "Inbound email routing"),
        spf(domain),
        dmarc(domain),
        Record(
            "MX",
            mail_from,
            f"10 feedback-smtp.{region}.amazonses.com",
            'MAIL FROM domain MX record (eliminates "via amazonses.com")',
        ),
        Record("TXT", mail_from, "v=spf1 include:amazonses.com ~all", "SPF record for MAIL FROM domain"),
    ]
    records += [
        Record(
            "CNAME",
            f"{dkim}._domainkey.{domain}",
            f"{dkim}.{dkim_zone or DEFAULT_DKIM_ZONE}",
            f"DKIM authentication token {number}",
        )
        for number, dkim in enumerate(dkim_tokens, start=1)
    ]
    return [record for record in records if record.value]


def store(domain: Domain, known: RecordedIdentity | None, *, stored: Collection[Record] | None = None) -> list[Record]:
    """Make the domain's rows match the recorded identity, and return the records in their order.

    Existing rows are kept, missing ones are added, and those of tokens that SES has replaced are deleted. `stored`: all
    records that a new domain has already; none of its tokens can have been replaced, so its rows are not read.
    """
    records = records_for(
        domain.name,
        region=settings.AWS_REGION if configured() else "",
        token=known.verification_token if known else "",
        dkim_tokens=known.dkim_tokens if known else (),
        dkim_zone=known.dkim_zone if known else "",
    )
    if stored is None:
        new = _without_row(domain, records, delete_others=known is not None)
    else:
        new = [record for record in records if record not in stored]
    DnsRecord.objects.bulk_create(
        [DnsRecord(domain=domain, record_type=record.type, name=record.name, value=record.value) for record in new],
        ignore_conflicts=True,
    )
    return records


def _without_row(domain: Domain, records: list[Record], *, delete_others: bool) -> list[Record]:
    """Those of the records that the domain has no row for. With `delete_others`, its rows of other records are deleted."""
    rows = {(row.record_type, row.name, row.value): row.pk for row in domain.dns_records.all()}
    new = [record for record in records if rows.pop((record.type, record.name, record.value), None) is None]
    if delete_others and rows:
        domain.dns_records.filter(pk__in=rows.values()).delete()
    return new
