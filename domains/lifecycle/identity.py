"""Apply what SES says about a domain's identity: the domain's status, and the DNS records of its tokens."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from domains.dns import records
from domains.models import Domain, lock_live_domain
from ses_integration.api import RecordedIdentity

# SES checks verified domains again from time to time (docs/architecture/ses.md, "Verification").
VERIFIED_CHECK = timedelta(hours=1)
STATUS = {"Success": Domain.Status.VERIFIED, "Failed": Domain.Status.FAILED}


def status_of(known: RecordedIdentity | None, domain: Domain) -> str:
    """The domain's status after SES's answer. Only Success and Failed change it, not a temporary failure."""
    return STATUS.get(known.status, domain.status) if known else domain.status


def apply_identity(
    domain: Domain, known: RecordedIdentity | None, *, stored: Collection[records.Record] | None = None
) -> list[records.Record]:
    """Set the domain's status, store the DNS records of its tokens, and return all its records.

    `stored`: the records that a new domain has already. Does nothing and returns no records if the domain is being deleted.
    """
    with transaction.atomic():
        try:
            row = lock_live_domain(domain.pk)
        except Domain.DoesNotExist:
            return []
        if (status := status_of(known, row)) != row.status:
            # update() instead of save(), which would mark the domain dirty: SES does not depend on the status.
            Domain.objects.filter(pk=row.pk).update(status=status, updated_at=timezone.now())
        domain.status = status
        return records.store(row, known, stored=stored)


def refresh_identities() -> int:
    """Ask SES about the domains that are due, at most a hundred, and return how many. A task of the worker. Raises SesError."""
    unverified = Domain.objects.live().exclude(status=Domain.Status.VERIFIED).values_list("name", flat=True)
    known = RecordedIdentity.refresh(list(unverified), unchecked_for=timedelta(seconds=settings.SES_STATUS_SECONDS))
    known = known or RecordedIdentity.refresh(unchecked_for=VERIFIED_CHECK)
    for domain in Domain.objects.live().filter(name__in=list(known)):
        apply_identity(domain, known[domain.name])
    return len(known)


def complete_identities() -> None:
    """Apply identities that SES created after the request had stopped waiting. A task of the worker."""
    # Domains whose tokens have been applied have this record.
    incomplete = Domain.objects.live().exclude(dns_records__name__startswith="_amazonses.")
    known = RecordedIdentity.by_domain(list(incomplete.values_list("name", flat=True)))
    for domain in incomplete.filter(name__in=list(known)):
        apply_identity(domain, known[domain.name])
