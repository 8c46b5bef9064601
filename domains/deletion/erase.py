"""Erase a deleted domain's mail in S3. Resumable; counts each version exactly once, even across crashes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import timedelta

from django.utils import timezone

from domains.deletion.record import updating
from domains.models import DomainDeletion, Step
from ses_integration.api import ErasedBatch, SesError, retry_delay

# A process claims a prefix for this long, and again with each batch. Longer than a run (30 s) and the calls in flight at its end.
CLAIM = timedelta(seconds=60)


def can_erase(record: DomainDeletion) -> bool:
    """Whether there is stored mail to erase, its rows are gone, and SES has stopped storing more, which the eraser would miss."""
    return Step.PENDING not in (record.rules, record.received_emails) and record.stored_mail == Step.PENDING


def claim_mail(record: DomainDeletion) -> bool:
    """Claim the erasure of stored mail. False if nothing can be erased, or it is not due, or another process has the claim.

    Call it in `updating`, and `erase_mail` after the commit.
    """
    if not can_erase(record) or (record.retry_at is not None and record.retry_at > record.now):
        return False
    record.retry_at = record.now + CLAIM
    return True


def erase_mail(record: DomainDeletion, *, seconds: float) -> None:
    """Erase stored mail for about `seconds`, and record when to continue. Needs the claim.

    Records each batch before it lists the next one, and only while it holds the claim: if a process was paused and another
    one has erased the same batch, only one counts it.
    """
    try:
        _erase(record, seconds)
    except DomainDeletion.DoesNotExist:
        # Another process has taken over the claim.
        record.refresh_from_db()


def _erase(record: DomainDeletion, seconds: float) -> None:
    try:
        for batch in record.mail.erase(record.erase_progress, seconds=seconds):
            _record_batch(record, batch)
    except SesError as error:
        with _while_claimed(record):
            record.problem, record.stalled = error.sentence, error.needs_attention
            record.attempts += 1
            record.retry_at = record.now + retry_delay(record.attempts, error=error)
        return
    if record.erase_progress:
        # Queue behind other deletions, so that a prefix with much mail does not delay them.
        with _while_claimed(record):
            record.retry_at = record.now


def _record_batch(record: DomainDeletion, batch: ErasedBatch) -> None:
    """Record the batch, and renew the claim or end the pass."""
    with _while_claimed(record):
        record.erased_versions += batch.versions
        record.erased_delete_markers += batch.delete_markers
        record.erased_bytes += batch.bytes
        if record.stored_mail_at is not None:
            record.late_versions += batch.versions
        record.erase_progress = batch.progress.as_json()
        record.problem, record.stalled = batch.progress.problem, batch.progress.needs_attention
        record.retry_at = record.now + CLAIM
        if batch.at_the_end:
            _end_pass(record, batch)


def _end_pass(record: DomainDeletion, batch: ErasedBatch) -> None:
    record.erase_progress = {}
    record.kept_versions = batch.progress.refused
    record.attempts += 1
    if batch.progress.refused:
        delay = retry_delay(record.attempts, needs_attention=batch.progress.needs_attention)
        record.retry_at = record.now + delay
    else:
        record.stored_mail, record.stored_mail_at, record.retry_at = Step.DONE, timezone.now(), None


def _while_claimed(record: DomainDeletion) -> AbstractContextManager[DomainDeletion]:
    """As `updating`. Raises DomainDeletion.DoesNotExist if another process has taken over the claim."""
    return updating(record, retry_at=record.retry_at)
