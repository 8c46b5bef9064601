"""One attempt to deliver an email to a webhook."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone

from endpoints.models import Endpoint
from endpoints.redaction import redacted
from endpoints.webhooks.post import Answer
from endpoints.webhooks.sealing import Unreadable
from mail.delivery.claims import ClaimedDelivery, held
from mail.delivery.result import Kind, Result
from mail.downloads.stored import raw_text
from mail.models import Delivery, Message
from mail.webhooks.payload import Addressee, payload
from mail.webhooks.request import headers_of, problem_of, send
from mail.webhooks.size import body
from rest.fields import timestamp
from ses_integration.api import NotStored, SesError

# What inbound itself needs is away: S3, or an earlier SECRET_KEY.
POSTPONED_SECONDS, ATTENTION_SECONDS = 30.0, 300.0
NO_STORE = "S3 does not answer, so the text of the stored mail is missing: {}"


def attempt(claim: ClaimedDelivery) -> Result:
    """Post the email to the endpoint, and say what came of it. Nothing is written."""
    delivery = _held(claim)
    if delivery is None:
        return Result(Kind.LOST)
    endpoint, received = delivery.endpoint, delivery.received
    addressee = Addressee(endpoint.pk, delivery.endpoint_name, delivery.payload)
    try:
        raw = raw_text(received.message) if addressee.wants_raw else None
    except NotStored:
        raw = None
    except SesError as error:
        seconds = ATTENTION_SECONDS if error.needs_attention else POSTPONED_SECONDS
        return Result(Kind.POSTPONED, problem=NO_STORE.format(error.sentence), retry_after=seconds)
    sent = body(payload(received, addressee, raw), settings.WEBHOOK_MAX_BYTES)
    headers = headers_of(endpoint, received, attempt=claim.attempts)
    try:
        answer = send(endpoint, delivery.webhook_id, headers, sent, seconds=claim.seconds)
    except Unreadable as error:
        return Result(Kind.POSTPONED, problem=str(error), retry_after=ATTENTION_SECONDS)
    return _result(answer, endpoint, hashlib.sha256(sent).hexdigest())


def _held(claim: ClaimedDelivery) -> Delivery | None:
    """The delivery with all that its body needs, in one statement. None if it is not ours any more or must not be made."""
    rows = held(claim).live().filter(leased_until__gt=Now(), endpoint__is_active=True)
    rows = rows.exclude(received__message__state=Message.State.ERASING)
    return rows.select_related("endpoint", "received__message").first()


def _result(answer: Answer, endpoint: Endpoint, digest: str) -> Result:
    problem = problem_of(answer)
    failed = Kind.GONE if answer.status == HTTPStatus.GONE else Kind.FAILED
    return Result(
        failed if problem else Kind.DELIVERED,
        _response_data(answer, endpoint, problem),
        status_code=answer.status,
        problem=problem,
        excerpt=answer.text,
        seconds=answer.seconds,
        retry_after=answer.retry_after if problem else None,
        body_digest=digest,
    )


def _response_data(answer: Answer, endpoint: Endpoint, problem: str) -> dict[str, Any]:
    """`responseData` of the API. The URL is without user, password and secret parameters."""
    return {
        "responseCode": answer.status or 0,
        "responseBody": answer.text or None,
        "deliveryTime": round(answer.seconds * 1000),
        "error": problem or None,
        "url": redacted({"url": endpoint.config["url"]})["url"],
        "deliveredAt": None if problem else timestamp(timezone.now()),
    }
