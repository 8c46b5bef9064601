"""Note mail of an archive: its rows first, and its bytes later, so that no sweep ever takes it for mail that was missed.

It is history (`Message.Source.IMPORT`): it is read and filed as any other mail, and never delivered by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from domains.models import Domain
from mail.arrival import rows
from mail.arrival.note import MOST_OF_A_HEADER
from mail.models import Message, ReceivedEmail

NOT_YET = "It is being imported: its bytes are not in the bucket yet. If the import has ended, run it again."
NOT_IN_ARCHIVE = "The archive does not have the mail, because S3 did not have it when it was exported."


@dataclass(frozen=True, slots=True)
class ImportedMail:
    """`verdicts`: by the names of the columns. `emails`: by recipient, the marks of its email by the names of the columns.

    `has_bytes`: otherwise it is noted as missing.
    """

    ses_id: str
    arrived_at: datetime
    has_bytes: bool
    envelope_from: str = ""
    rfc_id: str = ""
    verdicts: Mapping[str, str] = field(default_factory=dict)
    deleted_for: Sequence[str] = ()
    emails: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def note_imported(domain: Domain, mails: Iterable[ImportedMail]) -> dict[str, int]:
    """Write the rows of mails that have none, in one transaction. Returns the messages whose bytes are not stored yet, by SES id.

    Raises Domain.DoesNotExist if it is being deleted. A deletion that begins meanwhile waits, and sees them all.
    """
    by_id = {mail.ses_id: mail for mail in mails}
    with transaction.atomic(durable=True):
        live, _ = rows.live_domains([domain.pk])
        if domain.pk not in live:
            raise Domain.DoesNotExist
        known = Message.objects.filter(domain=domain.pk, ses_id__in=by_id)
        existing = set(known.values_list("ses_id", flat=True))
        new = [mail for ses_id, mail in by_id.items() if ses_id not in existing]
        # Another run may be at the same mail.
        Message.objects.bulk_create([_message(domain, mail) for mail in new], ignore_conflicts=True)
        pks = dict(known.values_list("ses_id", "pk"))
        ReceivedEmail.objects.bulk_create(
            [
                ReceivedEmail(
                    message_id=pks[mail.ses_id],
                    domain_id=domain.pk,
                    owner_id=domain.owner_id,
                    recipient=recipient,
                    arrived_at=mail.arrived_at,
                    **marks,
                )
                for mail in new
                for recipient, marks in mail.emails.items()
            ],
            ignore_conflicts=True,
        )
        missing = known.filter(state=Message.State.MISSING).values_list("ses_id", "pk")
        waiting = {ses_id: pk for ses_id, pk in missing if by_id[ses_id].has_bytes}
        # Mail that SES has told of, and that S3 has lost, is history by now, too. The bucket may have been another one.
        Message.objects.filter(pk__in=waiting.values()).update(
            source=Message.Source.IMPORT, bucket=settings.S3_BUCKET_NAME
        )
    return waiting


def imported(pks: Collection[int]) -> None:
    """Let the mail worker read these: their bytes are stored."""
    Message.objects.filter(pk__in=pks, state=Message.State.MISSING).update(
        state=Message.State.ARRIVED, retry_at=Now(), problem="", ingested_at=None
    )


def _message(domain: Domain, mail: ImportedMail) -> Message:
    return Message(
        domain_id=domain.pk,
        bucket=settings.S3_BUCKET_NAME,
        ses_id=mail.ses_id,
        key=domain.key_prefix + mail.ses_id,
        source=Message.Source.IMPORT,
        envelope_from=mail.envelope_from[:320],
        rfc_id=mail.rfc_id[:MOST_OF_A_HEADER],
        arrived_at=mail.arrived_at,
        deleted_for=list(mail.deleted_for),
        # Nobody fetches it, and a sweep that finds the object makes it due.
        state=Message.State.MISSING,
        retry_at=None,
        problem=NOT_YET if mail.has_bytes else NOT_IN_ARCHIVE,
        **{column: words[:10] if column == "dmarc_policy" else words[:20] for column, words in mail.verdicts.items()},
    )
