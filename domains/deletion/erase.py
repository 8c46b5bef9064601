"""Erase a deleted domain's mail. Resumable; counts each version exactly once, even across crashes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta

from django.db.models.functions import Now
from django.utils import timezone

from domains.deletion.record import due, updating
from domains.models import DomainDeletion, Step
from ses_integration.api import ErasedBatch, SesError, retry_delay

# A process claims a prefix for this long, and again with each batch. Longer than any two calls to S3.
CLAIM = timedelta(seconds=60)


def claim_mail(record: DomainDeletion) -> bool:
    """Claim the erasure of stored mail; False if it is done, or not due, or another process has the claim. One statement."""
    mine = DomainDeletion.objects.filter(due(), pk=record.pk, stored_mail=Step.PENDING)
    return bool(mine.update(retry_at=Now() + CLAIM))


def erase_mail(record: DomainDeletion, *, seconds: float) -> None:
    """Erase stored mail for about `seconds`, and record when to continue.

    The caller has claimed it and read `record` again since. Records each batch before it lists the next one, and only while
    it holds the claim: if a process was paused and another one has erased the same batch, only one counts it.
    """
    claim = record.retry_at
    # Raised when another process has taken over the claim.
    with suppress(DomainDeletion.DoesNotExist):
        try:
            for batch in record.mail.erase(record.erase_progress, seconds=seconds):
                claim = _record_batch(record, claim, batch)
        except SesError as error:
            _record_failure(record, claim, error)
        else:
            if claim is not None:
                # Queue behind other deletions, so that a prefix with much mail does not delay them.
                DomainDeletion.objects.filter(pk=record.pk, retry_at=claim).update(retry_at=Now())
    record.refresh_from_db()


def _record_batch(record: DomainDeletion, claim: datetime | None, batch: ErasedBatch) -> datetime | None:
    """Record the batch, and return the renewed claim, or None at the end of the pass."""
    with updating(record, retry_at=claim) as row:
        row.erased_versions += batch.versions
        row.erased_delete_markers += batch.delete_markers
        row.erased_bytes += batch.bytes
        if row.stored_mail_at is not None:
            row.late_versions += batch.versions
        row.erase_progress = asdict(batch.progress)
        row.problem = batch.progress.problem
        if batch.at_the_end:
            _end_pass(row, refused=batch.progress.refused)
        else:
            row.retry_at = Now() + CLAIM
    return None if batch.at_the_end else record.retry_at


def _end_pass(row: DomainDeletion, *, refused: int) -> None:
    row.erase_progress = {}
    row.kept_versions = refused
    row.attempts += 1
    if refused:
        row.retry_at = Now() + retry_delay(1, needs_attention=True)
    else:
        row.stored_mail, row.stored_mail_at, row.retry_at = Step.DONE, timezone.now(), None


def _record_failure(record: DomainDeletion, claim: datetime | None, error: SesError) -> None:
    with updating(record, retry_at=claim) as row:
        row.problem = error.sentence
        row.attempts += 1
        row.retry_at = Now() + retry_delay(row.attempts, needs_attention=error.needs_attention)
