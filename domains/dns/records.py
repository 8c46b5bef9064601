"""The DNS records that an owner has to publish (docs/api/compatibility.md, "DNS records")."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from django.conf import settings

from domains.models import DnsRecord, Domain
from ses_integration.api import RecordedIdentity, configured, mail_from_domain

DEFAULT_DKIM_ZONE = "dkim.amazonses.com"
SPF_VALUE = "v=spf1 include:amazonses.com ~all"


class RecordKind(StrEnum):
    """What a record is for."""

    OWNERSHIP = "ownership"
    INBOUND = "inbound"
    SPF = "spf"
    DMARC = "dmarc"
    MAIL_FROM_MX = "mail_from_mx"
    MAIL_FROM_SPF = "mail_from_spf"
    DKIM = "dkim"


REQUIRED = frozenset({RecordKind.OWNERSHIP, RecordKind.INBOUND, RecordKind.DKIM})
DESCRIPTIONS = {
    RecordKind.OWNERSHIP: "SES domain verification",
    RecordKind.INBOUND: "Inbound email routing",
    RecordKind.SPF: "SPF record for root domain",
    RecordKind.DMARC: "DMARC policy record",
    RecordKind.MAIL_FROM_MX: 'MAIL FROM domain MX record (eliminates "via amazonses.com")',
    RecordKind.MAIL_FROM_SPF: "SPF record for MAIL FROM domain",
    RecordKind.DKIM: "DKIM authentication token",
}


@dataclass(frozen=True, slots=True)
class Record:
    type: str
    name: str
    value: str
    description: str
    kind: RecordKind

    @property
    def is_required(self) -> bool:
        """Whether receiving depends on it. SES needs either the ownership record or all DKIM records."""
        return self.kind in REQUIRED


def kind_of(domain: str, type: str, name: str) -> RecordKind:
    """The kind of a record that is stored for the domain. Rows have no column for it."""
    if type == "CNAME":
        return RecordKind.DKIM
    if type == "MX":
        return RecordKind.INBOUND if name == domain else RecordKind.MAIL_FROM_MX
    if name == f"_amazonses.{domain}":
        return RecordKind.OWNERSHIP
    if name == f"_dmarc.{domain}":
        return RecordKind.DMARC
    return RecordKind.SPF if name == domain else RecordKind.MAIL_FROM_SPF


def stored_record(domain: str, type: str, name: str, value: str) -> Record:
    """The record of a row that is stored for the domain."""
    kind = kind_of(domain, type, name)
    return Record(type, name, value, DESCRIPTIONS[kind], kind)


def spf(domain: str) -> Record:
    return stored_record(domain, "TXT", domain, SPF_VALUE)


def dmarc(domain: str) -> Record:
    policy = f"v=DMARC1; p=none; rua=mailto:dmarc@{domain}; ruf=mailto:dmarc@{domain}; fo=1; aspf=r; adkim=r"
    return stored_record(domain, "TXT", f"_dmarc.{domain}", policy)


def records_for(
    domain: str,
    *,
    region: str,
    token: str = "",
    dkim_tokens: Sequence[str] = (),
    dkim_zone: str = "",
    mail_from: str = "",
) -> list[Record]:
    """The six documented records in their order, and the DKIM CNAMEs. Leaves out records whose token is not known yet, and
    those of MAIL FROM without `mail_from`, the domain's MAIL FROM domain.

    Without a region there are none, because records contain its name.
    """
    if not region:
        return []
    records = [
        stored_record(domain, "TXT", f"_amazonses.{domain}", token),
        stored_record(domain, "MX", domain, f"10 inbound-smtp.{region}.amazonaws.com"),
        spf(domain),
        dmarc(domain),
    ]
    if mail_from:
        records += [
            stored_record(domain, "MX", mail_from, f"10 feedback-smtp.{region}.amazonses.com"),
            stored_record(domain, "TXT", mail_from, SPF_VALUE),
        ]
    for number, dkim in enumerate(dkim_tokens, start=1):
        name, target = f"{dkim}._domainkey.{domain}", f"{dkim}.{dkim_zone or DEFAULT_DKIM_ZONE}"
        record = stored_record(domain, "CNAME", name, target)
        records.append(replace(record, description=f"{record.description} {number}"))
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
        mail_from=(known.mail_from_domain if known else "") or mail_from_domain(domain.name),
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
