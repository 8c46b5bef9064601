"""Identities that SES created after the request had stopped waiting, and checks that are due. Tasks of the worker."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from domains.models import Domain
from domains.verification.check import Checked, check_page
from domains.verification.claims import end_below
from domains.verification.rows import Finding, rows_by_domain, store
from ses_integration.api import RecordedIdentity

logger = logging.getLogger(__name__)

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
    found = _check(domains)
    end_below([checked.domain for checked in found if checked.domain.status == Domain.Status.VERIFIED])
    for checked in found:
        if checked.error:
            raise checked.error
    return len(domains)


def _check(domains: Sequence[Domain]) -> list[Checked]:
    """Check a page. If that fails, check each alone, so that one domain does not keep the others from being checked."""
    try:
        return check_page(domains)
    except (OperationalError, InterfaceError):
        # The database is away, for all of them.
        raise
    except Exception:
        if len(domains) == 1:
            logger.exception("%s cannot be checked.", domains[0].name)
            return []
        return [checked for domain in domains for checked in _check([domain])]


def complete_identities() -> None:
    """Store the records of tokens that came late."""
    # Domains whose tokens are stored have this record.
    incomplete = Domain.objects.live().exclude(dns_records__name__startswith="_amazonses.")
    names = {domain.name: domain for domain in incomplete}
    # SES returns the token last, so that all records are known then.
    known = {name: it for name, it in RecordedIdentity.by_domain(names).items() if it.verification_token}
    if findings := {names[name].pk: Finding(identity.status, identity) for name, identity in known.items()}:
        store(findings, rows_by_domain(findings))
