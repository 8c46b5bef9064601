"""Recorded identities: what SES last reported about the identity of a domain."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from ses_integration.conf import ses_config
from ses_integration.models import LedgerIdentity
from ses_integration.plan.resources import ResourceKind


@dataclass(frozen=True, slots=True)
class RecordedIdentity:
    """What SES last reported about the identity of one domain.

    Statuses are in AWS's spelling, such as `Success`, and empty before the first report. `ours`: created by this
    installation; None while that is unknown. `dkim_zone` is empty for the default zone.
    """

    ours: bool | None
    status: str
    verification_token: str
    dkim_tokens: tuple[str, ...]
    dkim_zone: str
    dkim_status: str
    mail_from_domain: str
    mail_from_status: str
    mail_from_verified_at: datetime | None
    checked_at: datetime | None

    @classmethod
    def of(cls, row: LedgerIdentity) -> Self:
        return cls(
            ours=row.ours,
            status=row.status,
            verification_token=row.verification_token,
            dkim_tokens=tuple(row.dkim_tokens),
            dkim_zone=row.dkim_zone,
            dkim_status=row.dkim_status,
            mail_from_domain=row.mail_from_domain,
            mail_from_status=row.mail_from_status,
            mail_from_verified_at=row.mail_from_verified_at,
            checked_at=row.checked_at,
        )


def identities(domains: Iterable[str]) -> dict[str, RecordedIdentity]:
    """Recorded identities by domain name; one statement. A domain without one is left out."""
    return {name: RecordedIdentity.of(row) for name, row in identity_rows(domains).items()}


def identity_rows(domains: Iterable[str]) -> dict[str, LedgerIdentity]:
    """The same as rows, to update them."""
    rows = (
        LedgerIdentity.objects.of(ses_config())
        .filter(entry__kind=ResourceKind.IDENTITY, entry__domain__in=list(domains))
        .select_related("entry")
    )
    return {row.entry.domain: row for row in rows}
