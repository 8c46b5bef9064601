"""Identities that SES created after the request had stopped waiting, and checks that are due. Tasks of the worker."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from domains.models import DnsRecord, Domain
from domains.verification.check import check_page
from domains.verification.rows import Finding, store
from ses_integration.api import RecordedIdentity

# A page of a list, and the identities that SES returns for one call.
PAGE = 100
# A check that was claimed and not finished, because its worker was killed, is made after this time.
CLAIM = timedelta(minutes=10)


def check_due() -> int:
    """Check up to 100 domains whose check is due, and return how many. Several workers check different ones.

    Raises SesError if SES cannot be asked. What DNS has answered is stored all the same.
    """
    now = timezone.now()
    with transaction.atomic():
        due = Domain.objects.live().filter(next_check__lte=now).order_by("next_check")
        domains = list(due.select_for_update(skip_locked=True)[:PAGE])
        Domain.objects.filter(pk__in=[domain.pk for domain in domains]).update(next_check=now + CLAIM)
    for checked in check_page(domains):
        if checked.error:
            raise checked.error
    return len(domains)


def complete_identities() -> None:
    """Store the records of tokens that came late."""
    # Domains whose tokens are stored have this record.
    incomplete = Domain.objects.live().exclude(dns_records__name__startswith="_amazonses.")
    names = {domain.name: domain for domain in incomplete}
    known = RecordedIdentity.by_domain(names)
    rows: dict[str, list[DnsRecord]] = {names[name].pk: [] for name in known}
    for row in DnsRecord.objects.filter(domain__in=list(rows)):
        rows[row.domain_id].append(row)
    if rows:
        store({names[name].pk: Finding(identity.status, identity) for name, identity in known.items()}, rows)
