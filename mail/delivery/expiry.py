"""The end of deliveries that could not be made in time, and of the log of old attempts."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Func, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, Concat, Left, Now

from mail.models import Delivery, DeliveryAttempt, EndpointGate
from mail.models.delivery import lifetime

AT_ONCE = 500
EXPIRED = "It could not be delivered in time."
# Nothing was attempted, so the endpoint says what the problem was.
EXPIRED_WHILE_DOWN = "Its time was over while the endpoint was down: "


class WithoutExcerpt(Func):
    """A `response` without the beginning of the receiver's answer."""

    template = "JSON_SET(%(expressions)s, '$.responseBody', NULL)"

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template="JSONB_SET(%(expressions)s, '{responseBody}', 'null')")


def run_expiry(stop: Callable[[], bool] = lambda: False, *, seconds: float = math.inf) -> int:
    """Give up what is past `expires_at`, and forget attempts older than DELIVERY_LOG_DAYS. Returns how many were given up.

    Ends after about `seconds`.
    """
    until = time.monotonic() + seconds
    given_up = 0
    more = True
    while more and not stop() and time.monotonic() < until:
        looked_at, dead = expire(AT_ONCE)
        given_up += dead
        more = bool(forget_attempts(AT_ONCE)) or looked_at == AT_ONCE
    return given_up


def expire(most: int) -> tuple[int, int]:
    """Give up due deliveries that are past their time. Returns how many were looked at, and given up.

    One whose endpoint is switched off waits for that, however long it takes. One whose endpoint has been changed lately, or
    switched on, gets its whole time again. That is here, because a request could not renew a million of them.
    """
    may_wait = Q(endpoint__is_active=False) | Q(endpoint__updated_at__gt=Now() - lifetime())
    unclaimed = Q(leased_until=None) | Q(leased_until__lte=Now())
    past = Delivery.objects.due().filter(unclaimed, expires_at__lte=Now()).order_by("expires_at")
    with transaction.atomic():
        locked = past.select_for_update(skip_locked=True, of=("self",))
        rows = list(locked.annotate(may_wait=may_wait).values_list("pk", "may_wait")[:most])
        dead = [pk for pk, waits in rows if not waits]
        waiting = [pk for pk, waits in rows if waits]
        if dead:
            Delivery.objects.filter(pk__in=dead).update(
                state=Delivery.State.DEAD,
                finished_at=Now(),
                retry_at=None,
                leased_until=None,
                problem=Case(
                    When(problem="", then=Coalesce(_of_gate(), Value(EXPIRED))),
                    default=Left(Concat(Value(f"{EXPIRED} "), "problem"), 500),
                ),
            )
        if waiting:
            Delivery.objects.filter(pk__in=waiting).renew()
    return len(rows), len(dead)


def _of_gate() -> Subquery:
    gate = EndpointGate.objects.filter(pk=OuterRef("endpoint_id"), down_since__isnull=False).exclude(problem="")
    return Subquery(gate.values(said=Left(Concat(Value(EXPIRED_WHILE_DOWN), "problem"), 500))[:1])


def forget_attempts(most: int) -> int:
    """Delete attempts older than DELIVERY_LOG_DAYS, and what their answers said. Returns how many were deleted."""
    oldest = Now() - timedelta(days=settings.DELIVERY_LOG_DAYS)
    old = DeliveryAttempt.objects.filter(at__lt=oldest).order_by("at")
    rows = list(old.values_list("pk", "delivery")[:most])
    if not rows:
        return 0
    with transaction.atomic():
        # The deliveries first, as whoever deletes them does.
        deliveries = Delivery.objects.filter(pk__in={delivery for _, delivery in rows})
        locked = list(deliveries.select_for_update(skip_locked=True).values_list("pk", flat=True))
        answered = Delivery.objects.filter(pk__in=locked, last_attempt_at__lt=oldest)
        answered.filter(response__has_key="responseBody").update(response=WithoutExcerpt(F("response")))
        forgotten = DeliveryAttempt.objects.filter(pk__in=[pk for pk, _ in rows], delivery__in=locked)
        return forgotten._raw_delete(old.db)
