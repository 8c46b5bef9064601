"""What people ask for when the notice of an event was given up: send it again, or forget it."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from audit.actions import Action
from audit.record import Entry, record
from mail.delivery.replay import EndpointUnusable, NotWaiting
from mail.models import EventNotice


def retry_notice(notice: EventNotice) -> None:
    """Send it now, with a new schedule and the same id. Raises NotWaiting unless it was given up, or EndpointUnusable."""
    if not notice.endpoint.is_active:
        raise EndpointUnusable
    with transaction.atomic():
        given_up = EventNotice.objects.given_up().filter(pk=notice.pk)
        if not given_up.update(retry_at=Now(), attempts=0, problem=""):
            raise NotWaiting("It was not given up")
        record(_entry(Action.RETRIED, notice))


def withdraw_notice(notice: EventNotice) -> None:
    """Forget it. Raises NotWaiting unless it was given up."""
    with transaction.atomic():
        deleted, _ = EventNotice.objects.given_up().filter(pk=notice.pk).delete()
        if not deleted:
            raise NotWaiting("It was not given up")
        record(_entry(Action.WITHDRAWN, notice))


def _entry(action: Action, notice: EventNotice) -> Entry:
    endpoint = notice.endpoint
    return Entry.of(action, notice, endpoint.owner_id, name=f"{notice.event} to {endpoint}")
