"""The DNS records that an owner has to publish (docs/api/compatibility.md, "DNS records")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

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


# The order in which people read them: the required ones first.
ORDER = [
    RecordKind.OWNERSHIP,
    RecordKind.INBOUND,
    RecordKind.DKIM,
    RecordKind.MAIL_FROM_MX,
    RecordKind.MAIL_FROM_SPF,
    RecordKind.SPF,
    RecordKind.DMARC,
]
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
    def key(self) -> tuple[str, str, str]:
        """What tells the record from the others of its domain."""
        return self.type, self.name, self.value

    @property
    def place(self) -> tuple[int, str]:
        """Where people read it among the records of its domain: a key to sort by."""
        return ORDER.index(self.kind), self.name

    def numbered(self, number: int) -> Self:
        """The record with a number, to tell it from others of its kind."""
        return replace(self, description=f"{self.description} {number}")

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


def inbound_host(region: str) -> str:
    """The host that receives mail for SES (docs/architecture/ses.md, "Verification")."""
    return f"inbound-smtp.{region}.amazonaws.com"


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
        stored_record(domain, "MX", domain, f"10 {inbound_host(region)}"),
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
        records.append(record.numbered(number))
    return [record for record in records if record.value]
