"""Erase the rows of a deleted domain's mail, before its objects. Resumable; counts each row exactly once, even across crashes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.utils import timezone

from audit.actions import Action
from audit.record import Entry, record
from domains.models import Domain, DomainDeletion, Step

BATCH = 500


def can_erase_rows(record: DomainDeletion) -> bool:
    """Whether rows of mail may be left, and no more can come: `note` of the app above writes none without a live domain."""
    return record.received_emails == Step.PENDING and record.rows != Step.PENDING


def erase_rows(record: DomainDeletion) -> bool:
    """Erase a batch, and end the step if nothing is left. False if the next batch has to wait for the mail worker.
    Call it in `updating`. That locks the report, and commits the counts together with what they count, so no claim is needed.
    """
    if record.has_archives:
        # The mail worker ends and erases them first, so that none is stored after the bucket was found empty.
        return False
    erased = _erase_batch(record.domain_id, keeps_objects=record.stored_mail == Step.KEPT)
    record.erased_emails += erased.received_emails
    record.erased_attachments += erased.attachments
    record.erased_email_bytes += erased.bytes
    if erased.complete:
        record.received_emails, record.received_emails_at = Step.DONE, timezone.now()
    return not erased.waits


def erase_unreported(domain_id: str) -> Iterator[int]:
    """Erase the rows of a domain that was deleted by hand, and yield how many received emails are gone after each batch."""
    emails, complete = 0, False
    record(Entry.of(Action.ERASED, Domain(pk=domain_id), None, name=domain_id))
    while not complete and not Domain.objects.filter(pk=domain_id).exists():
        with transaction.atomic():
            erased = _erase_batch(domain_id)
        emails += erased.received_emails
        complete = erased.complete
        yield emails


def _erase_batch(domain_id: str, *, keeps_objects: bool = False) -> Any:
    """What was erased: `ErasedRows` of the app above (mail/models/message.py)."""
    # The domain's own row is gone. Reverse accessors of models in the app above: mail.Message, mail.MailCount, mail.MailSweep.
    domain = Domain(pk=domain_id)
    erased = domain.messages.erase(BATCH, keeps_objects=keeps_objects)
    if erased.complete:
        domain.mail_counts.all().delete()
        with suppress(ObjectDoesNotExist):
            domain.mail_sweep.delete()
    return erased


def rows_left(record: DomainDeletion) -> list[str]:
    """What the database still has of the mail, for people: nothing, unless somebody has restored it without its domain."""
    # Reverse accessors of models in the app above: mail.Message and mail.MailCount.
    domain = Domain(pk=record.domain_id)
    rows = {"mail": domain.messages.count(), "count of mail": domain.mail_counts.count()}
    if not any(rows.values()) or Domain.objects.filter(pk=domain.pk).exists():
        return []
    return [f"{what} in the database: {number:,}" for what, number in rows.items() if number]
