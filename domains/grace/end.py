"""End or extend grace periods. What ends one leaves the rest to the deletion, as if there had been no period."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import datetime

from audit.actions import Action
from domains.deletion.record import record_progress, rest_sweep
from domains.deletion.retry import retry_deletion
from domains.deletion.service import advance
from domains.grace.locking import lock_both, lock_period
from domains.grace.period import NotInGrace, extended, restored_already
from domains.models import Domain, DomainDeletion
from rest.fields import timestamp
from ses_integration.api import changing, shared_deadline

# The most periods that one run of the worker's task ends; the next one follows at once.
AT_ONCE = 500


def end_now(deletion: DomainDeletion, *, only_due: bool = False) -> DomainDeletion:
    """End the grace period if it still lasts, and continue the deletion until the deadline. Returns the report.

    `only_due`: only if it is over, and the worker has not ended it yet. Raises NotInGrace if somebody was faster, and has
    restored the domain.
    """
    with shared_deadline():
        with changing() as change:
            end_locked(deletion, only_due=only_due)
        return _not_restored(advance(deletion, generation=change.generations.get(deletion.name)))


def continue_deletion(deletion: DomainDeletion, *, permanent: bool) -> DomainDeletion:
    """Continue an unfinished deletion until the deadline. Its grace period ends first if it is over, or for good.

    Raises NotInGrace as `end_now` does.
    """
    if deletion.in_grace:
        return end_now(deletion, only_due=not permanent)
    return _not_restored(advance(deletion))


def retry(deletion: DomainDeletion, *, seconds: float | None = None) -> str:
    """`retry_deletion`. Its grace period ends first if it is over, and the worker has not ended it yet."""
    if deletion.in_grace:
        with changing():
            end_locked(deletion, only_due=True)
    outcome = retry_deletion(deletion, seconds=seconds)
    return restored_already(deletion) or outcome


def _not_restored(deletion: DomainDeletion) -> DomainDeletion:
    if why := restored_already(deletion):
        raise NotInGrace(why)
    return deletion


def end_due(stop: Callable[[], bool] = lambda: False, *, seconds: float = math.inf) -> int:
    """End the grace periods that are over, and return how many. A task of the worker, whose other tasks do the rest."""
    until = time.monotonic() + seconds
    due = DomainDeletion.objects.over().order_by("restorable_until")
    ended = 0
    for deletion in due[:AT_ONCE]:
        if stop() or time.monotonic() >= until:
            break
        with changing():
            ended += end_locked(deletion, only_due=True)
    return ended


def end_locked(
    deletion: DomainDeletion, *, only_due: bool = False, only_if: Callable[[Domain], bool] = lambda domain: True
) -> bool:
    """End the period in this transaction, and mark the domain dirty. False if it has ended, or was restored.

    `only_due`: not if somebody has extended it. `only_if`: not if the locked row is otherwise.
    """
    domain, report = lock_both(deletion)
    if not report.in_grace or report.restorable_until is None or (only_due and report.restorable_until > report.now):
        return False
    if domain is not None:
        if not only_if(domain):
            return False
        domain.restorable_until = None
        domain.save(update_fields=["restorable_until"])
    until = report.restorable_until
    deletion.restorable_until, deletion.grace_ended_at = None, report.now
    DomainDeletion.objects.filter(pk=report.pk).update(restorable_until=None, grace_ended_at=report.now)
    record_progress(report, Action.ENDED, restorableUntil=timestamp(until))
    return True


def extend(deletion: DomainDeletion, *, days: int) -> datetime:
    """Let the period end so many days later, and return when. Raises NotInGrace and TooLong."""
    with changing():
        domain, report = lock_period(deletion)
        assert report.restorable_until is not None
        until = extended(report.restorable_until, days, report.now)
        # Not save(), which would mark the domain: SES should hold what it holds.
        Domain.objects.filter(pk=domain.pk).update(restorable_until=until)
        DomainDeletion.objects.filter(pk=report.pk).update(restorable_until=until)
        rest_sweep(domain, until)
        record_progress(report, Action.EXTENDED, restorableUntil=timestamp(until))
    deletion.restorable_until = until
    return until
