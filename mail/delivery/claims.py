"""Claims: which process makes a delivery. A claim is a lease: while `leased_until` is in the future, nobody else takes it.

See docs/architecture/delivery.md, "Claims".
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from endpoints.models import Endpoint
from mail.delivery.statement import MARGIN_SECONDS, WEBHOOK_SECONDS, statement
from mail.models import Delivery, DeliveryQuerySet, ReceivedEmail
from mail.models.delivery import WITHDRAWN_WITH_DOMAIN


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A delivery that this process is to attempt.

    `attempts`: the number of this attempt, which tells this claim from earlier and later ones. `tries`: the same since somebody
    last asked for the delivery. `seconds`: how long the attempt may take. `retries`: how many the endpoint's config asks for.
    `has_gate`: there is something to remember of the endpoint. `is_slow`: it may take long, as every forward.
    `body_digest`: of the first attempt, empty before that.
    """

    pk: str
    attempts: int
    endpoint_id: str
    received_id: str
    type: str
    tries: int = 1
    seconds: float = WEBHOOK_SECONDS
    retries: int | None = None
    has_gate: bool = False
    is_slow: bool = False
    body_digest: str = ""
    # A value of `time.monotonic()`, after which the attempt would not end before the claim does.
    begin_until: float = field(default_factory=lambda: time.monotonic() + MARGIN_SECONDS / 2, compare=False)

    @property
    def is_too_old(self) -> bool:
        return time.monotonic() > self.begin_until


@dataclass(frozen=True, slots=True)
class Claims:
    """What a process has claimed. `after`: the endpoint that the next claim begins behind. `found`: how many were due, with those
    that were withdrawn instead."""

    deliveries: list[ClaimedDelivery]
    after: str
    found: int


def claim(most: int, *, most_slow: int | None = None, after: str = "", before: datetime | None = None) -> Claims:
    """Claim up to `most` deliveries that are due, for each endpoint in turn, beginning behind the endpoint `after`.

    `most_slow`: how many of them may be for slow endpoints. `before`: leave what is due later alone, a time of the database.
    """
    slow = most if most_slow is None else min(most, most_slow)
    until = None if before is None else connection.ops.adapt_datetimefield_value(before)
    with connection.cursor() as cursor:
        cursor.execute(statement(connection.vendor), {"after": after, "most": most, "most_slow": slow, "before": until})
        rows = sorted(cursor.fetchall(), key=lambda row: row[0])
    if not rows:
        return Claims([], after, found=0)
    dead = [pk for _, is_live, pk, *_ in rows if not is_live]
    if dead:
        # Unless the domain was restored since.
        live = ReceivedEmail.objects.live().filter(pk=OuterRef("received_id"))
        withdrawn = Delivery.objects.filter(~Exists(live), pk__in=dead, state=Delivery.State.DUE)
        withdrawn.update(
            state=Delivery.State.WITHDRAWN,
            attempts=F("attempts") - 1,
            leased_until=None,
            retry_at=None,
            finished_at=Now(),
            problem=WITHDRAWN_WITH_DOMAIN,
        )
    deliveries = [_claimed(*columns) for _, is_live, *columns in rows if is_live]
    return Claims(deliveries, after=rows[-1][4], found=len(rows))


def release(claims: Iterable[ClaimedDelivery], *, begun: bool = False) -> None:
    """Let others take these at once, because this process will not. `begun`: the attempt may have reached the receiver."""
    for one in claims:
        back = {} if begun else {"attempts": F("attempts") - 1}
        held(one).update(retry_at=Now(), leased_until=None, **back)


def held(claim: ClaimedDelivery) -> DeliveryQuerySet:
    """The row, as long as it waits for this claim. Whoever updates it decides what becomes of the delivery, so only one can."""
    return Delivery.objects.filter(
        pk=claim.pk, state=Delivery.State.DUE, attempts=claim.attempts, leased_until__isnull=False
    )


def in_hand() -> Q:
    """Deliveries that a process works on now."""
    return Q(state=Delivery.State.DUE, leased_until__gt=Now())


def _claimed(
    pk: str,
    attempts: int,
    endpoint_id: str,
    received_id: str,
    tries: int,
    body_digest: str,
    seconds: float,
    kind: str,
    retries: float | None,
    is_slow: int | None,
) -> ClaimedDelivery:
    return ClaimedDelivery(
        pk,
        attempts,
        endpoint_id,
        received_id,
        kind,
        tries,
        float(seconds),
        None if retries is None else int(retries),
        has_gate=is_slow is not None,
        is_slow=bool(is_slow) or kind != Endpoint.Type.WEBHOOK,
        body_digest=body_digest,
    )
