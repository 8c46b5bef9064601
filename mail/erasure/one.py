"""Erase one received email, and the stored mail with its last recipient."""

from __future__ import annotations

from typing import Literal

from django.db import transaction

from audit.actions import Action
from audit.record import Entry, record
from mail.erasure.marking import mark
from mail.erasure.stored import CLAIM, erase_stored
from mail.models import Message, ReceivedEmail

SECONDS_IN_REQUEST = 2.0


def erase_email(email: ReceivedEmail) -> Literal["erased", "owed"]:
    """Delete the row of a received email. If it was the last one of its message, blank the message, and erase the stored mail.

    "owed": S3 has not confirmed that yet, and the mail worker continues. The message's row goes last: without it, the sweep
    would take the stored mail for mail that was missed.
    """
    with transaction.atomic():
        locked = Message.objects.select_for_update().only("bucket", "key", "state", "deleted_for", "erased_at")
        message = locked.filter(pk=email.message_id).first()
        if message is None:
            return "erased"
        deletion = Entry.of(Action.DELETED, email, email.owner_id)
        if message.received_emails.exclude(pk=email.pk).exists():
            if ReceivedEmail.objects.filter(pk=email.pk).delete_with_deliveries():
                record(deletion)
            # A notification that is repeated must not bring it back.
            message.deleted_for = sorted({*message.deleted_for, email.recipient})
            message.save(update_fields=["deleted_for"])
            return "erased"
        if message.state != Message.State.ERASING:
            mark([message.pk], claim=CLAIM)
            message.attempts = 0
            record(deletion)
    if message.erased_at is None and not erase_stored([message], seconds=SECONDS_IN_REQUEST):
        return "owed"
    return "erased"
