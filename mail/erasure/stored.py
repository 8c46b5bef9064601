"""Erase the stored mail of marked messages, and then their rows, once nothing can tell of them again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import Case, F, Q, When
from django.db.models.functions import Greatest, Now

from domains.deletion.record import SES_STORES_LATE
from mail.models import Message, MessageQuerySet
from mail.models.message import delete_messages
from ses_integration.api import SesError, StoredMail, retry_delay

# Longer than S3 may take for a batch.
CLAIM = timedelta(minutes=2)
SECONDS = 10.0
# Mails at a time.
THREADS = 8
# SQS keeps a notification for 14 days. Until then the row tells that the mail is known.
TOLD = timedelta(days=15)
# Longer than a sweep takes from listing a key to looking for its row.
LISTED = timedelta(hours=1)
_MAY_COME_LATE = Q(arrived_at__gt=Now() - SES_STORES_LATE)


def erase_owed(most: int, stop: Callable[[], bool] = lambda: False) -> tuple[int, int]:
    """Erase the stored mail of up to `most` unclaimed marked messages. Start no more once `stop()` is true.

    Returns how many were due, and how many of them are gone from the bucket.
    """
    due = Message.objects.to_erase().filter(retry_at__lte=Now())
    with transaction.atomic():
        messages = list(
            due.select_for_update(skip_locked=True).order_by("retry_at").only("bucket", "key", "attempts")[:most]
        )
        Message.objects.filter(pk__in=[message.pk for message in messages]).update(retry_at=Now() + CLAIM)
    return len(messages), erase_stored(messages, seconds=SECONDS, stop=stop)


def erase_stored(messages: Sequence[Message], *, seconds: float, stop: Callable[[], bool] = lambda: False) -> int:
    """Erase the stored mail of claimed messages, and record the outcome of each. Returns how many are gone from the bucket.

    `seconds`: the time limit for each message.
    """
    erase = partial(_erase, seconds=seconds, stop=stop)
    if len(messages) > 1:
        with ThreadPoolExecutor(THREADS) as pool:
            errors = list(pool.map(erase, messages))
    else:
        errors = [*map(erase, messages)]
    outcomes = list(zip(messages, errors, strict=True))
    erased = [message.pk for message, error in outcomes if error is None]
    # A row stays, blank, until no notification and no sweep can name the mail, or it would come back as a new one.
    later = Greatest(F("arrived_at") + TOLD, Now() + LISTED)
    # If SES may still store it once more, because several rules of the domain do, the bucket is looked at again then.
    until = Case(When(_MAY_COME_LATE, then=F("arrived_at") + SES_STORES_LATE), default=later)
    for pk in erased:
        # One by one: `note` may be locking several of them in another order.
        _marked(pk).update(erased_at=Now(), problem="", stalled=False, retry_at=until)
    for message, error in outcomes:
        if error is not None:
            delay = retry_delay(message.attempts + 1, error=error)
            failed = {"problem": error.sentence, "stalled": error.needs_attention, "retry_at": Now() + delay}
            _marked(message.pk).update(attempts=F("attempts") + 1, **failed)
    return len(erased)


def erase_again(pks: Collection[int]) -> None:
    """Erase the stored mail of those that are marked, whatever was erased before: somebody has stored it meanwhile.

    If S3 fails, the mail worker continues.
    """
    with transaction.atomic():
        marked = Message.objects.filter(pk__in=pks, state=Message.State.ERASING).select_for_update().order_by("pk")
        messages = list(marked.only("bucket", "key", "attempts"))
        Message.objects.filter(pk__in=[message.pk for message in messages]).update(
            erased_at=None, retry_at=Now() + CLAIM
        )
    if messages:
        erase_stored(messages, seconds=SECONDS)


def _erase(message: Message, *, seconds: float, stop: Callable[[], bool]) -> SesError | None:
    if stop():
        # Python waits for these threads before it ends.
        return SesError("The mail worker was stopped.")
    try:
        StoredMail(message.key, message.bucket).erase(seconds=seconds)
    except SesError as error:
        return error
    return None


def _marked(pk: int) -> MessageQuerySet:
    return Message.objects.filter(pk=pk, state=Message.State.ERASING)


def delete_erased(most: int) -> int:
    """Delete up to `most` rows of erased mail that nothing can name any more, and return how many.

    Mail that was erased before SES had stopped storing it is erased once more.
    """
    gone = Message.objects.filter(state=Message.State.ERASING, erased_at__isnull=False, retry_at__lte=Now())
    once_more = Q(erased_at__lt=F("arrived_at") + SES_STORES_LATE)
    with transaction.atomic():
        locked = gone.select_for_update(skip_locked=True).order_by("retry_at").values_list("pk", flat=True)
        if again := list(locked.filter(once_more)[:most]):
            Message.objects.filter(pk__in=again).update(erased_at=None)
        pks = list(locked.exclude(once_more)[:most])
        delete_messages(pks)
    return len(pks)
