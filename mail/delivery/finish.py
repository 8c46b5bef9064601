"""The end of an attempt: what becomes of the delivery, its log, and what is remembered of the endpoint."""

from __future__ import annotations

import logging
import random
from datetime import timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from endpoints.services import switch_off
from mail.delivery import gates
from mail.delivery.claims import ClaimedDelivery, held
from mail.delivery.result import Kind, Result
from mail.delivery.schedule import next_pause, wanted_pause
from mail.models import Delivery, DeliveryAttempt
from ses_integration.api import storable

logger = logging.getLogger(__name__)

# Nothing says when a postponed delivery may go on.
POSTPONED_SECONDS = 60.0
OTHER_BODY = "The body differs from that of the first attempt."
State = Delivery.State


class Outcome(StrEnum):
    DELIVERED = "delivered"
    # It is tried again by the schedule.
    RETRIED = "to be retried"
    DEAD = "dead"
    POSTPONED = "postponed"
    # Others decide about it by now.
    LOST = "lost"


def finish(claim: ClaimedDelivery, result: Result) -> Outcome:
    """Store what an attempt came to, unless the claim has ended. Raises DatabaseError: then the claim ends by itself."""
    if result.kind == Kind.LOST:
        return Outcome.LOST
    outcome, values = _decide(claim, result)
    if outcome == Outcome.POSTPONED:
        return outcome if held(claim).update(**values) else Outcome.LOST
    # The database's time when it began.
    began = Now() - timedelta(seconds=result.seconds or 0.0)
    digest = {"body_digest": result.body_digest} if result.body_digest and not claim.body_digest else {}
    with transaction.atomic():
        if not held(claim).update(
            leased_until=None, last_attempt_at=began, response=_storable(result.response), **digest, **values
        ):
            return Outcome.LOST
        DeliveryAttempt.objects.create(
            delivery_id=claim.pk,
            number=claim.attempts,
            at=began,
            seconds=result.seconds,
            status_code=result.status_code,
            error=_error(claim, result),
            excerpt=_storable(result.excerpt)[:2000],
        )
    if reason := gates.record(claim, result):
        switch_off(claim.endpoint_id, reason)
    return outcome


def _decide(claim: ClaimedDelivery, result: Result) -> tuple[Outcome, dict[str, Any]]:
    """What becomes of the delivery, with the columns that say so."""
    problem = result.problem[:500]
    if result.kind == Kind.POSTPONED:
        pause = POSTPONED_SECONDS if result.retry_after is None else result.retry_after
        again = {"retry_at": Now() + timedelta(seconds=pause), "attempts": F("attempts") - 1, "leased_until": None}
        response = {"response": _storable(result.response)} if result.response else {}
        return Outcome.POSTPONED, {**again, **response, "problem": problem}
    if result.kind == Kind.DELIVERED:
        return Outcome.DELIVERED, {"state": State.DELIVERED, "retry_at": None, "finished_at": Now(), "problem": ""}
    wait = None
    if result.kind == Kind.FAILED:
        wait = next_pause(
            claim.tries,
            settings.WEBHOOK_RETRY_SECONDS,
            chance=random.random(),  # noqa: S311 - it only spreads retries
            retries=claim.retries,
            retry_after=wanted_pause(result.status_code, result.retry_after),
        )
    if wait is None:
        return Outcome.DEAD, {"state": State.DEAD, "retry_at": None, "finished_at": Now(), "problem": problem}
    return Outcome.RETRIED, {"retry_at": Now() + timedelta(seconds=wait), "problem": problem}


def _storable(value: Any) -> Any:
    """A JSON value without characters that PostgreSQL cannot store."""
    match value:
        case str():
            return storable(value)
        case dict():
            return {_storable(key): _storable(it) for key, it in value.items()}
        case list() | tuple():
            return [_storable(it) for it in value]
        case _:
            return value


def _error(claim: ClaimedDelivery, result: Result) -> str:
    if claim.body_digest and result.body_digest and claim.body_digest != result.body_digest:
        logger.error("Delivery %s: %s", claim.pk, OTHER_BODY)
        return f"{result.problem} {OTHER_BODY}".strip()[:500]
    return result.problem[:500]
