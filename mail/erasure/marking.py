"""Mark mail for erasure: no list has it any more, and nothing readable is left in its row."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from domains.models import Domain
from mail.models import Message, MessageReference, ReceivedEmail

# What the eraser needs, and what tells a late notification that the mail is known.
KEPT = {"id", "domain", "bucket", "ses_id", "key", "source", "arrived_at", "noted_at"}
# Every other column, so that one that is added later does not keep a part of the mail.
BLANK: dict[str, Any] = {
    field.name: field.get_default() for field in Message._meta.concrete_fields if field.name not in KEPT
}


def mark(messages: Collection[int], *, claim: timedelta = timedelta()) -> None:
    """Delete the messages' recipients, and leave the messages to the eraser, `claim` from now. Needs a transaction.

    Their rows have to be locked.
    """
    ReceivedEmail.objects.filter(message__in=messages).delete_with_deliveries()
    references = MessageReference.objects.filter(message__in=messages)
    references._raw_delete(references.db)
    marked = BLANK | {"state": Message.State.ERASING, "retry_at": Now() + claim}
    Message.objects.filter(pk__in=messages).update(**marked)


def mark_blocked(most: int) -> int:
    """Mark up to `most` messages that were blocked for all recipients more than BLOCKED_MAIL_DAYS ago. Returns how many."""
    if not settings.BLOCKED_MAIL_DAYS:
        return 0
    before = Now() - timedelta(days=settings.BLOCKED_MAIL_DAYS)
    is_blocked = Q(disposition=ReceivedEmail.Disposition.BLOCKED)
    others = ReceivedEmail.objects.filter(~is_blocked, message=OuterRef("message"))
    blocked = ReceivedEmail.objects.live().filter(is_blocked, ~Exists(others), arrived_at__lt=before)
    with transaction.atomic():
        wanted = blocked.order_by("arrived_at").values_list("message", flat=True)[:most]
        unwanted = Message.objects.filter(pk__in=list(wanted)).exclude(state=Message.State.ERASING)
        pks = list(unwanted.select_for_update(skip_locked=True).order_by("pk").values_list("pk", flat=True))
        if pks:
            mark(pks)
    return len(pks)


def mark_old(most: int) -> int:
    """Mark up to `most` messages that arrived more than MAIL_RETENTION_DAYS ago, and return how many. 0 days keep all mail."""
    if not settings.MAIL_RETENTION_DAYS:
        return 0
    # The database's clock: a machine whose own is wrong must not erase what is new.
    before = Now() - timedelta(days=settings.MAIL_RETENTION_DAYS)
    old = Message.objects.filter(arrived_at__lt=before).exclude(state=Message.State.ERASING)
    marked = 0
    # Domain by domain, because the index of the mail's age begins with it.
    for domain in Domain.objects.live().filter(Exists(old.filter(domain=OuterRef("pk")))):
        with transaction.atomic():
            # What another process is writing at the moment is taken the next time.
            locked = old.filter(domain=domain).select_for_update(skip_locked=True).order_by("arrived_at")
            if pks := list(locked.values_list("pk", flat=True)[: most - marked]):
                mark(pks)
        marked += len(pks)
        if marked >= most:
            break
    return marked
