"""The members of a forward, and what has become of each: one row for each address, older than what is sent to it."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models.functions import Now

from mail.arrival.feedback import dropped, members_of
from mail.models import Delivery, ForwardRecipient

State = ForwardRecipient.State


def waiting(delivery: Delivery) -> list[ForwardRecipient]:
    """Those that nothing has been sent to, in the order of the config. Who is no member any more is forgotten."""
    members = members_of(delivery.endpoint)
    reasons = dropped(delivery.endpoint)
    pending = ForwardRecipient.objects.filter(delivery=delivery, state=State.PENDING)
    with transaction.atomic():
        known = [ForwardRecipient(delivery=delivery, address=member) for member in members]
        ForwardRecipient.objects.bulk_create(known, ignore_conflicts=True)
        pending.exclude(address__in=members).delete()
        for member in members:
            if reason := reasons.get(member.lower()):
                pending.filter(address=member).update(state=State.FAILED, error=reason)
    rows = {row.address: row for row in pending}
    return [rows[member] for member in members if member in rows]


def record_sent(recipient: ForwardRecipient, ses_id: str) -> None:
    """Unless a bounce has come before."""
    pending = ForwardRecipient.objects.filter(pk=recipient.pk, state=State.PENDING)
    pending.update(state=State.SENT, ses_message_id=ses_id, sent_at=Now(), error="")


def record_failed(recipients: Iterable[ForwardRecipient], why: str, ses_id: str = "") -> None:
    """Nothing more is sent to these. `ses_id`: of a notice."""
    pending = ForwardRecipient.objects.filter(pk__in=[one.pk for one in recipients], state=State.PENDING)
    pending.update(state=State.FAILED, error=why[:500], ses_message_id=ses_id)


def record_problem(recipient: ForwardRecipient, why: str) -> None:
    """It is tried again."""
    ForwardRecipient.objects.filter(pk=recipient.pk, state=State.PENDING).update(error=why[:500])
