"""Tell webhooks of events other than mail: write the notice with the event, and post it until it is taken."""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from endpoints.models import Endpoint
from endpoints.webhooks.sealing import Unreadable
from mail.delivery.schedule import next_pause, wanted_pause
from mail.models import EventNotice
from mail.webhooks.request import event_headers, problem_of, send, with_own
from rest.access.roles import Deed, may, role_from
from rest.fields import timestamp

LONGEST_SECONDS = 30.0
# Longer than an attempt: then another process may make it.
CLAIM = timedelta(minutes=2)
GONE = 410


def tell(
    owner_id: int | None, event: str, values: dict[str, Any], *, others: QuerySet[User], for_others: dict[str, Any]
) -> int:
    """Write a notice for each webhook of the owner that wants the event, and for those of others, who are told less.

    In the caller's transaction. Returns how many.
    """
    whose = Q(owner_id=owner_id) | Q(owner__in=others)
    webhooks = Endpoint.objects.filter(whose, type=Endpoint.Type.WEBHOOK)
    wanting = [webhook for webhook in webhooks if event in _events(webhook)]
    now = timestamp(timezone.now())
    EventNotice.objects.bulk_create(
        EventNotice(
            endpoint=webhook,
            event=event,
            body=json.dumps(_body(webhook, event, now, _told(webhook, owner_id, values, for_others))),
        )
        for webhook in wanting
    )
    return len(wanting)


def _told(
    webhook: Endpoint, owner_id: int | None, values: dict[str, Any], for_others: dict[str, Any]
) -> dict[str, Any]:
    return values if may(role_from(owner_id, webhook.owner_id), Deed.SEE_PRIVATE) else for_others


def _events(webhook: Endpoint) -> list[Any]:
    """Configs that are older than the rule for `events` may have anything there."""
    events = webhook.config.get("events")
    return events if isinstance(events, list) else []


def _body(webhook: Endpoint, event: str, now: str, values: dict[str, Any]) -> dict[str, Any]:
    endpoint = {"id": webhook.pk, "name": webhook.name, "type": webhook.type}
    return {"event": event, "timestamp": now, **values, "endpoint": endpoint}


def run_notices(stop: Callable[[], bool] = lambda: False, *, seconds: float = math.inf) -> int:
    """Post what is due, and forget what was over DELIVERY_LOG_DAYS ago. A task of the mail worker. Returns how many were taken."""
    until = time.monotonic() + seconds
    old = EventNotice.objects.filter(retry_at=None, created_at__lt=Now() - timedelta(days=settings.DELIVERY_LOG_DAYS))
    old.delete()
    taken = 0
    while not stop() and time.monotonic() < until and (notice := _claim()):
        taken += _post(notice)
    return taken


def _claim() -> EventNotice | None:
    """The next notice that is due, for a webhook that is not switched off."""
    due = EventNotice.objects.filter(retry_at__lte=Now(), endpoint__is_active=True).select_related("endpoint")
    with transaction.atomic():
        notice = due.select_for_update(skip_locked=True, of=("self",)).order_by("retry_at").first()
        if notice is not None:
            notice.attempts += 1
            EventNotice.objects.filter(pk=notice.pk).update(attempts=F("attempts") + 1, retry_at=Now() + CLAIM)
    return notice


def _post(notice: EventNotice) -> bool:
    """Make an attempt, and record what came of it. Returns whether the receiver has taken the notice."""
    endpoint = notice.endpoint
    at = str(json.loads(notice.body)["timestamp"])
    headers = with_own(event_headers(endpoint, notice.event, at, attempt=notice.attempts), endpoint)
    longest = min(float(endpoint.config.get("timeout") or LONGEST_SECONDS), LONGEST_SECONDS)
    wanted, is_gone = 0.0, False
    try:
        answer = send(endpoint, notice.webhook_id, headers, notice.body.encode(), seconds=longest)
        problem, is_gone = problem_of(answer), answer.status == GONE
        wanted = wanted_pause(answer.status, answer.retry_after)
    except Unreadable as error:
        problem = str(error)
    columns: dict[str, Any] = {"problem": problem[:500], "retry_at": None}
    if not problem:
        columns["delivered_at"] = Now()
    elif not is_gone:
        pause = next_pause(
            notice.attempts,
            settings.WEBHOOK_RETRY_SECONDS,
            chance=random.random(),  # noqa: S311 - only spreads attempts
            retries=endpoint.config.get("retryAttempts"),
            retry_after=wanted,
        )
        columns["retry_at"] = None if pause is None else Now() + timedelta(seconds=pause)
    # Unless the claim has ended and another process has made a further attempt.
    EventNotice.objects.filter(pk=notice.pk, attempts=notice.attempts).update(**columns)
    return not problem
