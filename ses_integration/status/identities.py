"""Identities: what SES last reported about them, and look-ups of their status, DKIM and MAIL FROM."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from django.db import transaction
from django.db.models import F, Q

from ses_integration.aws import account
from ses_integration.aws.clients import ClientSet
from ses_integration.aws.gateway import IDENTITIES_PER_CALL, Gateway
from ses_integration.conf import SesConfig, ses_config
from ses_integration.coordination.clock import database_now
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.coordination.rate_limit import rate_limited
from ses_integration.errors import NotFound
from ses_integration.models import LedgerIdentity
from ses_integration.plan.resources import ResourceKind
from ses_integration.reconcile.record import OBSERVED_FIELDS, is_ours, update_identity

# The deadline of a refresh outside a request.
BATCH_SECONDS = 20.0


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
                return None
        row = _rows([domain]).get(domain)
        identity = row or LedgerIdentity()
        ours = is_ours(observed, untagged=bool(identity.ours))
        update_identity(identity, observed, database_now(), ours=ours)
        if row is not None:
            # Not the verification token, which a pass may be recording.
            row.save(update_fields=OBSERVED_FIELDS)
        return cls.of(identity)

    @classmethod
    def refresh(
        cls, domains: Sequence[str] | None = None, *, unchecked_for: timedelta | None = None
    ) -> dict[str, Self]:
        """Ask SES for the statuses of these identities and record them; two calls for each 100 domains. Raises SesError.

        With `unchecked_for`: only up to 100 of them that were not checked for that long, or of all domains with None. The status
        of an identity that SES does not have becomes empty; the SES sweep restores the identity.
        """
        config = ses_config()
        names = list(domains or []) if unchecked_for is None else _stale(unchecked_for, domains)
        if not names:
            return {}
        with shared_deadline(BATCH_SECONDS) as deadline:
            verified = account.verify(config)
            rows = _rows(names)
            for start in range(0, len(names), IDENTITIES_PER_CALL):
                batch = {name: rows[name] for name in names[start : start + IDENTITIES_PER_CALL] if name in rows}
                if batch:
                    _refresh_batch(config, verified, batch, deadline)
        return {name: cls.of(row) for name, row in rows.items()}


def _rows(domains: Iterable[str]) -> dict[str, LedgerIdentity]:
    """Rows by domain name; one statement."""
    rows = (
        LedgerIdentity.objects.of(ses_config())
        .filter(entry__kind=ResourceKind.IDENTITY, entry__domain__in=list(domains))
        .select_related("entry")
    )
    return {row.entry.domain: row for row in rows}


def _stale(older_than: timedelta, domains: Sequence[str] | None) -> list[str]:
    """Up to 100 domains whose identity was not checked for that long, longest first. With None: of all domains."""
    rows = LedgerIdentity.objects.of(ses_config()).filter(entry__kind=ResourceKind.IDENTITY)
    if domains is not None:
        rows = rows.filter(entry__domain__in=domains)
    rows = rows.filter(Q(checked_at=None) | Q(checked_at__lt=database_now() - older_than))
    longest_first = rows.order_by(F("checked_at").asc(nulls_first=True), "entry__domain")
    return list(longest_first.values_list("entry__domain", flat=True)[:IDENTITIES_PER_CALL])


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
            row.status = statuses.get(name, "")
            row.checked_at = now
            if name in mail_from:
                row.mail_from_domain, row.mail_from_status = mail_from[name]
            if row.mail_from_status == "Success":
                row.mail_from_verified_at = row.mail_from_verified_at or now
        LedgerIdentity.objects.bulk_update(
            rows.values(),
            ["status", "checked_at", "mail_from_domain", "mail_from_status", "mail_from_verified_at"],
        )
