"""What SES says of a domain's identity, taken over into the domain: its status, and the records of its tokens."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from domains.dns import records
from domains.models import Domain
from ses_integration.api import RecordedIdentity, identities, stale_domains
from ses_integration.api import refresh_identities as ask_ses

# SES looks at a verified domain again from time to time, and so do we at what it says
# (docs/architecture/ses.md, "Verification").
VERIFIED_CHECK = timedelta(hours=1)
STATUS = {"Success": Domain.Status.VERIFIED, "Failed": Domain.Status.FAILED}


def status_of(known: RecordedIdentity | None, domain: Domain) -> str:
    """What SES's answer makes of the domain. Other than Success and Failed nothing does: a hiccup changes no status."""
    return STATUS.get(known.status, domain.status) if known else domain.status


def take_over(domain: Domain, known: RecordedIdentity | None) -> list[records.Record]:
    """Set the status that SES's answer means, store the records of its tokens, and return the records."""
    with transaction.atomic():
        # Not while the domain is being deleted: its rows are about to go.
        row = Domain.objects.live().select_for_update().filter(pk=domain.pk).first()
        if row is None:
            return []
        if (status := status_of(known, row)) != row.status:
            # update(), not save(): the status changes nothing that SES should hold.
            Domain.objects.filter(pk=row.pk).update(status=status, updated_at=timezone.now())
        domain.status = status
        return records.store(row, known)


def refresh_identities() -> int:
    """The worker's step: ask SES about the domains whose turn it is, at most a hundred; how many. Raises SesError."""
    pending = Domain.objects.live().exclude(status=Domain.Status.VERIFIED).values_list("name", flat=True)
    names = stale_domains(timedelta(seconds=settings.SES_STATUS_SECONDS), list(pending))
    names = names or stale_domains(VERIFIED_CHECK)
    if not names:
        return 0
    known = ask_ses(names)
    for domain in Domain.objects.live().filter(name__in=names):
        take_over(domain, known.get(domain.name))
    return len(names)


def complete_identities() -> None:
    """The worker's step: take over what SES has told, after the request had given up waiting, of domains without it."""
    # Every live domain whose tokens are known has the record that carries them.
    incomplete = Domain.objects.live().exclude(dns_records__name__startswith="_amazonses.")
    known = identities(list(incomplete.values_list("name", flat=True)))
    for domain in incomplete.filter(name__in=list(known)):
        take_over(domain, known[domain.name])
