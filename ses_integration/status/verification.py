"""Asking SES, in batches, whether identities are verified; the answers go into the ledger's facts."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q

from ses_integration.aws import account
from ses_integration.aws.gateway import IDENTITIES_PER_CALL, Gateway
from ses_integration.conf import SesConfig, ses_config
from ses_integration.coordination.clock import database_now
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.coordination.rate_limit import rate_limited
from ses_integration.errors import NotFound
from ses_integration.models import LedgerIdentity
from ses_integration.plan.resources import ResourceKind
from ses_integration.reconcile.record import update_identity
from ses_integration.status import verification

# Without a request that is waiting.
BATCH_SECONDS = 20.0


def check_identity(domain: str) -> LedgerIdentity | None:
    """Ask SES about one name, all that there is to know, in one call; None if SES does not know it. Raises SesError."""
    config = ses_config()
    with shared_deadline() as deadline:
        account.verify(config)
        try:
            with rate_limited(config):
                seen = Gateway(config, deadline - time.monotonic()).read_identity(domain)
        except NotFound:
            return None
    known = verification.identities([domain]).get(domain)
    told = known or LedgerIdentity()
    update_identity(told, seen, database_now(), ours_untagged=bool(told.ours))
    # Whose it is and whether it is there is convergence's to say: only what it has in the ledger is brought up to date.
    if known is not None:
        known.save()
    return told


def stale_domains(older_than: timedelta, domains: Sequence[str] | None = None) -> list[str]:
    """Names, at most one batch, that SES was not asked about for so long: of `domains`, or of all; oldest first."""
    rows = LedgerIdentity.objects.of(ses_config()).filter(entry__kind=ResourceKind.IDENTITY)
    if domains is not None:
        rows = rows.filter(entry__domain__in=domains)
    rows = rows.filter(Q(checked_at=None) | Q(checked_at__lt=database_now() - older_than))
    oldest_first = rows.order_by(F("checked_at").asc(nulls_first=True), "entry__domain")
    return list(oldest_first.values_list("entry__domain", flat=True)[:IDENTITIES_PER_CALL])


def refresh(domains: Sequence[str]) -> dict[str, LedgerIdentity]:
    """Ask SES about these names, note what it says, and return it; two calls for each 100. Raises SesError.

    A name that SES does not know keeps no status: the sweep is what puts a lost identity back.
    """
    config = ses_config()
    with shared_deadline(BATCH_SECONDS) as deadline:
        return _refresh(config, domains, deadline)


def _refresh(config: SesConfig, domains: Sequence[str], deadline: float) -> dict[str, LedgerIdentity]:
    account.verify(config)
    known = verification.identities(domains)
    for start in range(0, len(domains), IDENTITIES_PER_CALL):
        batch = [name for name in domains[start : start + IDENTITIES_PER_CALL] if name in known]
        if not batch:
            continue
        with rate_limited(config):
            statuses = Gateway(config, deadline - time.monotonic()).verification_statuses(batch)
        with rate_limited(config):
            mail_from = Gateway(config, deadline - time.monotonic()).mail_from_domains(batch)
        now = database_now()
        with transaction.atomic():
            for name in batch:
                row = known[name]
                row.status = statuses.get(name, "")
                row.checked_at = now
                row.mail_from_domain, row.mail_from_status = mail_from.get(
                    name, (row.mail_from_domain, row.mail_from_status)
                )
                if row.mail_from_status == "Success":
                    row.mail_from_verified_at = row.mail_from_verified_at or now
            LedgerIdentity.objects.bulk_update(
                [known[name] for name in batch],
                ["status", "checked_at", "mail_from_domain", "mail_from_status", "mail_from_verified_at"],
            )
    return known


def identities(domains: Iterable[str]) -> dict[str, LedgerIdentity]:
    """What SES told of the identities of these names; one statement. A name without any is absent."""
    rows = (
        LedgerIdentity.objects.of(ses_config())
        .filter(entry__kind=ResourceKind.IDENTITY, entry__domain__in=list(domains))
        .select_related("entry")
    )
    return {facts.entry.domain: facts for facts in rows}
