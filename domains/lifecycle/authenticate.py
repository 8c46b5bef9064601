"""Start the verification of a domain again, with the MAIL FROM domain that its owner chooses."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from audit.record import members, record_change
from domains.lifecycle.mail_from import refuse_receiving
from domains.models import Domain, StatusChange, lock_live_domain, mail_from
from domains.name_lock import lock_name
from domains.verification.check import Checked, check_one
from domains.verification.rule import FAILED, NOT_FOUND
from ses_integration.api import RecordedIdentity, changing, reconcile, shared_deadline, unconfirmed_warning

STARTED_AGAIN = "The owner has started the verification again."
UNCONFIRMED = "SES configuration failed:"
# What the audit log has of it.
RECORDED = ("status", "checking_since", "mail_from_label", "mail_from_chosen")


class MailFromRefused(Exception):
    """SES does not take the MAIL FROM domain, so nothing was changed. The message is a sentence for users."""


@dataclass(frozen=True, slots=True)
class Started:
    """The domain as it was checked last, and a warning if SES has not confirmed the change."""

    checked: Checked
    warning: str | None


def start(*, domain: Domain, mail_from_label: str = "") -> Started:
    """Make SES look for the DNS records again if it has given up, set the MAIL FROM domain if one is chosen, and check.

    Waits until SES has confirmed the change or the deadline ends. Raises MailFromConflict, MailFromRefused, and
    Domain.DoesNotExist if the domain is being deleted.
    """
    with shared_deadline():
        checked = check(domain)
        stopped = checked.domain.status != Domain.Status.VERIFIED
        if not (mail_from_label or stopped):
            return Started(checked, None)
        with changing() as change:
            lock_name(domain.name)
            if mail_from_label:
                refuse_receiving(domain, mail_from_label)
            row = lock_live_domain(domain.pk)
            before, recorded = (row.mail_from_label, row.mail_from_chosen), members(row, *RECORDED)
            if stopped:
                _begin(row)
            if mail_from_label:
                row.mail_from_label, row.mail_from_chosen = mail_from_label, True
            row.save()
            RecordedIdentity.verify_again(row.name)
            record_change(row, row.owner_id, recorded, members(row, *RECORDED))
        reconcile(row.name, change.generations[row.name])
        if mail_from_label:
            undo_if_refused(row, *before)
        if mail_from_label or checked.ses_status in (FAILED, NOT_FOUND):
            checked = check(row)
    return Started(checked, None if _is_confirmed(checked) else unconfirmed_warning(UNCONFIRMED, row.name))


def check(domain: Domain) -> Checked:
    """Check one domain. Raises Domain.DoesNotExist if it is being deleted."""
    checked = check_one(domain)
    if checked is None:
        raise Domain.DoesNotExist
    return checked


def _begin(row: Domain) -> None:
    """Begin the time in which the worker checks often. The claim to the name does not begin anew."""
    now = timezone.now()
    row.checking_since = row.next_check = now
    row.status_reason = ""
    if row.status != Domain.Status.PENDING:
        StatusChange.objects.create(
            domain=row, before=row.status, after=Domain.Status.PENDING, reason=STARTED_AGAIN, at=now
        )
        row.status = Domain.Status.PENDING


def undo_if_refused(row: Domain, label: str, chosen: bool) -> None:
    """Forget a MAIL FROM domain that SES refuses for good. Otherwise every pass would try it again."""
    known = RecordedIdentity.by_domain([row.name]).get(row.name)
    if known is None or (known.mail_from_domain, known.mail_from_status) != (row.mail_from, FAILED):
        return
    refused = row.mail_from
    Domain.objects.filter(pk=row.pk, mail_from_label=row.mail_from_label).update(
        mail_from_label=label, mail_from_chosen=chosen
    )
    raise MailFromRefused(f"SES does not take {refused} as MAIL FROM domain, or the credentials do not allow it.")


def _is_confirmed(checked: Checked) -> bool:
    domain, identity = checked.domain, checked.identity
    if identity is None or not identity.verification_token:
        return False
    return not domain.mail_from_chosen or identity.mail_from_domain == mail_from(domain.name, domain.mail_from_label)
