"""Claims: which process ingests a mail. A claim is a `retry_at` in the future; `attempts` tells it from later ones."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from mail.models import ClaimedMessage, Message, MessageQuerySet
from mail.models.claimed import MAY_WAIT
from ses_integration.api import retry_delay

# The longest that a mail may take to come from S3. The clients' own limit is that of a single read.
FETCH_SECONDS = 60.0
# For everything that is quick.
MARGIN_SECONDS = 15.0
# Failures in a row after which an error in inbound itself is not expected to pass.
UNEXPECTED_OFTEN = 5


def claim_length() -> timedelta:
    """Longer than a claim may wait and its work may last, so that no process ingests what another one has in hand."""
    # A mail that takes too long is parsed a second time, the headers only.
    return MAY_WAIT + timedelta(seconds=FETCH_SECONDS + 2 * settings.MAIL_PARSE_SECONDS + MARGIN_SECONDS)


def claim_due(most: int) -> list[ClaimedMessage]:
    """Claim mail that is due, longest first: new from the door or a sweep, to be retried, or left by a process that died."""
    with transaction.atomic(durable=True):
        due = Message.objects.due().filter(domain__deleting_since=None).order_by("retry_at")
        rows = list(
            due.select_for_update(skip_locked=True, of=("self",)).only("attempts", "bucket", "key", "arrived_at")[:most]
        )
        if rows:
            claimed = Message.objects.filter(pk__in=[row.pk for row in rows])
            claimed.update(retry_at=Now() + claim_length(), attempts=F("attempts") + 1)
    return [ClaimedMessage(row.pk, row.attempts + 1, row.bucket, row.key, row.arrived_at) for row in rows]


def release(claims: Iterable[ClaimedMessage]) -> None:
    """Let others take these at once, because this process will not."""
    for claim in claims:
        held(claim).update(retry_at=Now())


def renewed(claim: ClaimedMessage) -> ClaimedMessage | None:
    """The claim from now on, because it had to wait for too long. None if another process has the mail by now."""
    if not held(claim).update(retry_at=Now() + claim_length()):
        return None
    return ClaimedMessage(claim.pk, claim.attempts, claim.bucket, claim.key, claim.arrived_at)


def held(claim: ClaimedMessage) -> MessageQuerySet:
    """The row, as long as it waits for this claim. Whoever updates it decides what becomes of the mail, so only one can."""
    return Message.objects.filter(pk=claim.pk, state=Message.State.ARRIVED, attempts=claim.attempts)


def postpone_unexpected(claim: ClaimedMessage) -> None:
    """Try again later, because of an error in inbound itself, which the log shows."""
    delay = retry_delay(claim.attempts, needs_attention=claim.attempts > UNEXPECTED_OFTEN)
    held(claim).update(retry_at=Now() + delay, problem="inbound could not read the mail; the log says why.")
