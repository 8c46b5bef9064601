"""Identities: what SES last reported about them, and look-ups of their status, DKIM and MAIL FROM."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from django.db import transaction
from django.db.models import QuerySet

from ses_integration.aws import account
from ses_integration.aws.clients import ClientSet
from ses_integration.aws.gateway import IDENTITIES_PER_CALL, Gateway
from ses_integration.conf import SesConfig, ses_config
from ses_integration.coordination.clock import database_now
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.coordination.rate_limit import rate_limited
from ses_integration.errors import NotFound
from ses_integration.models import LedgerEntry, LedgerIdentity
from ses_integration.plan.resources import Presence, ResourceKind
from ses_integration.reconcile.record import OBSERVED_FIELDS, is_ours, update_identity

# The deadline of a refresh outside a request.
BATCH_SECONDS = 20.0
# The status of an identity that SES does not have.
NOT_FOUND = "NotFound"
FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class RecordedIdentity:
    """What SES last reported about the identity of one domain.

    Statuses are in AWS's spelling, such as `Success`, or `NotFound`, and empty before the first report. `ours`: created by this
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

    @property
    def has_own_key(self) -> bool:
        """Whether the owner has brought a DKIM key: DKIM works without tokens of SES."""
        return self.dkim_status == "Success" and not self.dkim_tokens

    @classmethod
    def by_domain(cls, domains: Iterable[str]) -> dict[str, Self]:
        """What is recorded, by domain name; one statement. A domain without an identity is left out."""
        return {name: cls.of(row) for name, row in _rows(domains).items()}

    @classmethod
    def check(cls, domain: str) -> Self | None:
        """Ask SES about the identity of one domain, with one call. None if SES has none. Raises SesError.

        Records the answer only if the ledger has the identity: to add entries is up to the reconciler.
        """
        config = ses_config()
        with shared_deadline() as deadline:
            verified = account.verify(config)
            try:
                with rate_limited(config):
                    observed = Gateway(config, deadline - time.monotonic(), verified=verified).read_identity(domain)
            except NotFound:
                gone = {"status": NOT_FOUND, "dkim_status": "", "mail_from_status": ""}
                _rows_of([domain]).update(checked_at=database_now(), **gone)
                return None
        row = _rows([domain]).get(domain)
        identity = row or LedgerIdentity()
        ours = is_ours(observed, untagged=bool(identity.ours))
        update_identity(identity, observed, database_now(), ours=ours)
        if row is not None:
            # Not the verification token, which a pass may be recording.
            LedgerIdentity.objects.filter(pk=row.pk).update(**{name: getattr(row, name) for name in OBSERVED_FIELDS})
        return cls.of(identity)

    @classmethod
    def refresh(cls, domains: Sequence[str]) -> dict[str, Self]:
        """Ask SES for the status and MAIL FROM domain of these identities; two calls for each 100. Raises SesError.

        Returns all of them: those that SES does not have with the status `NotFound`. Records what the ledger has an entry for; the
        SES sweep restores lost identities.
        """
        if not domains:
            return {}
        config = ses_config()
        with shared_deadline(BATCH_SECONDS) as deadline:
            verified = account.verify(config)
            recorded = _rows(domains)
            rows = {name: recorded.get(name) or LedgerIdentity() for name in domains}
            for start in range(0, len(domains), IDENTITIES_PER_CALL):
                batch = {name: rows[name] for name in domains[start : start + IDENTITIES_PER_CALL]}
                _refresh_batch(config, verified, batch, deadline)
        return {name: cls.of(row) for name, row in rows.items()}

    @staticmethod
    def verify_again(domain: str) -> None:
        """Make the next pass create the identity if SES has lost it, and ask SES to look for the DNS records again if it has
        given up. Goes by what is recorded.

        Call it in the transaction that marks the domain dirty.
        """
        # Only v1's verification begins the search anew. A pass repeats it as long as there is no token.
        _rows_of([domain]).filter(status=FAILED).update(verification_token="", status="")
        lost = LedgerEntry.objects.filter(pk__in=_rows_of([domain]).filter(status=NOT_FOUND).values("entry"))
        if lost.filter(in_flight=None).update(presence=Presence.UNKNOWN, exists=False):
            _rows_of([domain]).delete()


def _rows(domains: Iterable[str]) -> dict[str, LedgerIdentity]:
    """Rows by domain name; one statement."""
    return {row.entry.domain: row for row in _rows_of(domains).select_related("entry")}


def _rows_of(domains: Iterable[str]) -> QuerySet[LedgerIdentity]:
    rows = LedgerIdentity.objects.of(ses_config())
    return rows.filter(entry__kind=ResourceKind.IDENTITY, entry__domain__in=list(domains))


def _refresh_batch(
    config: SesConfig, verified: ClientSet | None, rows: dict[str, LedgerIdentity], deadline: float
) -> None:
    names = list(rows)
    with rate_limited(config):
        statuses = Gateway(config, deadline - time.monotonic(), verified=verified).verification_statuses(names)
    with rate_limited(config):
        mail_from = Gateway(config, deadline - time.monotonic(), verified=verified).mail_from_domains(names)
    now = database_now()
    with transaction.atomic():
        for name, row in rows.items():
            row.status = statuses.get(name, NOT_FOUND)
            if row.status == NOT_FOUND:
                row.mail_from_status = ""
            row.checked_at = now
            if name in mail_from:
                row.mail_from_domain, row.mail_from_status = mail_from[name]
            if row.mail_from_status == "Success":
                row.mail_from_verified_at = row.mail_from_verified_at or now
        LedgerIdentity.objects.bulk_update(
            [row for row in rows.values() if row.pk is not None],
            ["status", "checked_at", "mail_from_domain", "mail_from_status", "mail_from_verified_at"],
        )
