"""What SES has said of identities, as plain values for the apps above."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from ses_integration.models import LedgerIdentity
from ses_integration.status import verification


@dataclass(frozen=True, slots=True)
class RecordedIdentity:
    """What SES last said of the identity of one domain.

    Statuses are AWS's words, such as `Success`, and empty while SES has not said. `ours` says whether this installation
    created the identity; None while that is unknown. `dkim_zone` is empty for the default zone.
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
    """Look up recorded identities by domain name; one statement, no call to AWS. A domain without one is left out."""
    return {name: RecordedIdentity.of(row) for name, row in verification.identities(domains).items()}


def check_identity(domain: str) -> RecordedIdentity | None:
    """Ask SES about the identity of one domain and record the answer; one call. None if SES has none. Raises SesError."""
    row = verification.check_identity(domain)
    return None if row is None else RecordedIdentity.of(row)


def refresh_identities(domains: Sequence[str]) -> dict[str, RecordedIdentity]:
    """Ask SES about many identities and record the answers; two calls for each 100 domains. Raises SesError."""
    return {name: RecordedIdentity.of(row) for name, row in verification.refresh(domains).items()}
