"""Restore a deleted domain in its grace period: everything is as before, also in SES."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from audit.actions import Action
from audit.origin import author
from audit.record import Entry, record
from domains.grace.locking import lock_period
from domains.grace.period import lost_routes
from domains.models import Domain, DomainDeletion, Step
from domains.name_lock import lock_name
from domains.provider import addresses_of, spec_of
from ses_integration.api import SyncState, changing, reconcile, reserve, shared_deadline, unconfirmed_warning

NOT_CONFIRMED = "The domain is restored, but it may not receive everything yet."


@dataclass(frozen=True, slots=True)
class Restored:
    """The domain and its report. `lost`: what it does not have again. `unconfirmed`: what SES has not confirmed yet. Sentences,
    or empty."""

    domain: Domain
    deletion: DomainDeletion
    lost: str
    unconfirmed: str

    @property
    def warning(self) -> str | None:
        return " ".join(filter(None, [self.lost, self.unconfirmed])) or None


def restore(deletion: DomainDeletion, *, restored_by: str) -> Restored:
    """Undo the deletion, and wait until SES follows or the deadline ends.

    Takes the same locks as what ends the period, so exactly one of the two wins. Raises NotInGrace, and QuotaExceeded if others
    have taken the room that its rules need in SES.
    """
    with shared_deadline():
        with changing() as change:
            # Before the rows: whoever adds the name holds it, and then looks for them.
            lock_name(deletion.name)
            domain, report = lock_period(deletion)
            # Long for a busy domain, so before the locks of the name and of the rule set in `ses_integration`.
            _resume_mail(domain)
            lost = _lost_routes(domain)
            domain.deleting_since = domain.restorable_until = None
            domain.save(update_fields=["deleting_since", "restorable_until"])
            reserve(spec_of(domain, addresses_of(domain)))
            _close(report, author(restored_by))
            record(Entry.of(Action.RESTORED, domain, domain.owner_id, after={"deletionId": report.pk}))
        reconcile(domain.name, change.generations[domain.name])
        # Again, for a mail worker that had seen the deleted domain and was slower than the commit.
        with transaction.atomic():
            _resume_mail(domain)
    pending = SyncState.pending_names([domain.name]).exists()
    return Restored(domain, report, lost, unconfirmed_warning(NOT_CONFIRMED, domain.name) if pending else "")


def _lost_routes(domain: Any) -> str:
    """Nothing but the deletion of an endpoint changes the addresses and the catch-all of a deleted domain."""
    since = domain.deleting_since
    return lost_routes(
        # Reverse accessor of addresses.EmailAddress, in the app above.
        addresses=domain.email_addresses.filter(endpoint=None, updated_at__gt=since).count(),
        catch_all=not domain.is_catch_all_enabled and domain.updated_at > since,
    )


def _close(report: DomainDeletion, restored_by: str) -> None:
    """Finish the report: nothing of it is pending, and nothing is to be verified."""
    for step in DomainDeletion.STEPS:
        setattr(report, step, Step.RESTORED)
        setattr(report, f"{step}_at", report.now)
    report.finished_at = report.restored_at = report.now
    report.restored_by = restored_by
    report.look_again_at = report.retry_at = None
    report.problem, report.stalled = "", False
    report.save()


def _resume_mail(domain: Any) -> None:
    """Route and deliver what was waiting, and look through the stored mail for what was not noted in the meantime.

    A sweep leaves the newest mail to its notification, and that of mail which came before this moment may have been dropped.
    """
    # Reverse accessors of models in the app above: mail.ReceivedEmail and mail.MailSweep. Without a sweep, the next worker
    # makes one.
    domain.received_emails.resume()
    sweeps: Any = Domain._meta.get_field("mail_sweep").related_model
    due_at = Now() + timedelta(seconds=settings.MAIL_SWEEP_GRACE_SECONDS)
    sweeps.objects.filter(domain=domain.pk).update(due_at=due_at, cursor="")
