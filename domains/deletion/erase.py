"""Erasing the stored mail of a deleted domain, and counting each version once, whoever dies."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta

from django.db.models.functions import Now
from django.utils import timezone

from domains.deletion.record import Step, changing, turn
from domains.models import DomainDeletion
from ses_integration.api import ErasedBatch, EraseProgress, SesError, database_now, erase_batches, retry_delay

# Who erases a prefix has it for themselves for so long, and again with each batch: longer than any two calls to S3.
CLAIM = timedelta(seconds=60)


def erase_mail(record: DomainDeletion, *, seconds: float) -> None:
    """Erase stored mail for about `seconds`; what is left is owed, and the next turn is noted.

    Does nothing while somebody else is at it. Each batch is written down before the next one is listed, and only by who
    still has the claim: of two that erased the same page, because one of them slept, one counts it.
    """
    claim = _claim(record)
    if claim is None:
        return
    # With this claim the record exists no more once somebody else has taken over.
    with suppress(DomainDeletion.DoesNotExist):
        try:
            for batch in erase_batches(
                record.key_prefix, EraseProgress(**record.erasing), seconds=seconds, bucket=record.bucket
            ):
                claim = _note(record, claim, batch)
        except SesError as error:
            _note_failure(record, claim, error)
        else:
            if claim is not None:
                # The others first: a prefix with very much mail must not keep them waiting.
                DomainDeletion.objects.filter(pk=record.pk, retry_at=claim).update(retry_at=Now())
    record.refresh_from_db()


def _claim(record: DomainDeletion) -> datetime | None:
    mine = DomainDeletion.objects.filter(turn(), pk=record.pk, stored_mail=Step.OWED)
    claim = database_now() + CLAIM
    if not mine.update(retry_at=claim):
        return None
    record.refresh_from_db()
    return claim


def _note(record: DomainDeletion, claim: datetime | None, batch: ErasedBatch) -> datetime | None:
    """The claim from now on, or None at the end of the pass, which needs none."""
    with changing(record, retry_at=claim) as row:
        row.erased_versions += batch.versions
        row.erased_delete_markers += batch.delete_markers
        row.erased_bytes += batch.bytes
        if row.stored_mail_at is not None:
            row.late_versions += batch.versions
        row.erasing = asdict(batch.progress)
        row.problem = batch.progress.problem
        if batch.at_the_end:
            _end_pass(row, batch.progress)
        else:
            row.retry_at = database_now() + CLAIM
    return None if batch.at_the_end else record.retry_at


def _end_pass(row: DomainDeletion, progress: EraseProgress) -> None:
    row.erasing = {}
    row.kept_versions = progress.refused
    row.attempts += 1
    if progress.refused:
        row.retry_at = database_now() + retry_delay(1, attention=True)
    else:
        row.stored_mail, row.stored_mail_at, row.retry_at = Step.DONE, timezone.now(), None


def _note_failure(record: DomainDeletion, claim: datetime | None, error: SesError) -> None:
    with changing(record, retry_at=claim) as row:
        row.problem = error.sentence
        row.attempts += 1
        row.retry_at = database_now() + retry_delay(row.attempts, attention=error.attention)
