"""Start the verification of a domain again, with the MAIL FROM domain that its owner chooses."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from domains.lifecycle.mail_from import refuse_receiving
from domains.models import Domain, StatusChange, lock_live_domain
from domains.verification.check import Checked, check_one
from ses_integration.api import RecordedIdentity, changing, mark_dirty, reconcile, shared_deadline, unconfirmed_warning

STARTED_AGAIN = "The owner has started the verification again."
UNCONFIRMED = "SES configuration failed:"


@dataclass(frozen=True, slots=True)
class Started:
    """The domain as it was checked afterwards, and a warning if SES has not confirmed the change."""

    checked: Checked
    warning: str | None


def start(*, domain: Domain, mail_from_label: str = "") -> Started:
    """Make SES look for the DNS records again if it has given up, set the MAIL FROM domain if one is chosen, and check.

    Waits until SES has confirmed the change or the deadline ends. Raises MailFromConflict, and Domain.DoesNotExist if the domain
    is being deleted.
    """
    if mail_from_label:
        refuse_receiving(domain.name, mail_from_label)
    with shared_deadline():
        with changing() as change:
            row = lock_live_domain(domain.pk)
            if row.status != Domain.Status.VERIFIED:
                _begin(row)
            row.mail_from_label = mail_from_label or row.mail_from_label
            row.save()
            RecordedIdentity.verify_again(row.name)
            mark_dirty(row.name)
        reconcile(row.name, change.generations[row.name])
        checked = check_one(row)
    if checked is None:
        raise Domain.DoesNotExist
    has_mail_from = not row.mail_from or (checked.identity and checked.identity.mail_from_domain == row.mail_from)
    confirmed = has_mail_from and checked.identity is not None and checked.identity.verification_token
    return Started(checked, None if confirmed else unconfirmed_warning(UNCONFIRMED, row.name))


def _begin(row: Domain) -> None:
    now = timezone.now()
    row.unverified_since, row.missing_since, row.status_reason = now, None, ""
    if row.status != Domain.Status.PENDING:
        StatusChange.objects.create(
            domain=row, before=row.status, after=Domain.Status.PENDING, reason=STARTED_AGAIN, at=now
        )
        row.status = Domain.Status.PENDING
