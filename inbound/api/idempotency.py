"""`Idempotency-Key`: a write that is sent twice is done once, and answered the same (ADR 7).

`OncePerKey` claims the key before the view runs, `KeepAnswer` keeps the answer after it. Each does so in a statement that
commits by itself: the claim is there for every process before the work begins, and what the work commits never waits for it.
"""

from __future__ import annotations

import base64
import json
import logging
import math
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, cast

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import IntegrityError
from django.db.models.functions import Now
from django.db.utils import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import salted_hmac
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from inbound.api.parsers import TOO_LARGE, ObjectParser
from inbound.models import IdempotencyQuerySet, IdempotencyRecord

if TYPE_CHECKING:
    from rest_framework.views import APIView

logger = logging.getLogger(__name__)

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
KEY = re.compile(r"[!-~]{1,255}")
# Where a claim travels with its request, from the gate to the middleware.
CLAIM = "inbound.api.idempotency"
# About who asks or how often, and so not the answer to what was asked.
NOT_KEPT = frozenset({401, 403, 429})
# A record may go between two looks at it, and its key is free then. Where that keeps happening, others are at it: wait.
TRIES = 3

INVALID = f"{HEADER} must be 1 to 255 visible ASCII characters."
OTHER_REQUEST = f"This {HEADER} was used for another request. Use a new key for a new request."
RUNNING = f"The first request with this {HEADER} is still running. Send it again in a few seconds."


class Answered(Exception):
    """Not for the view: the request has its answer already."""

    def __init__(self, answer: HttpResponse) -> None:
        super().__init__()
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run the request, until `run` is another one's; what may be kept of it is sealed."""

    owner_id: int
    key: str
    run: uuid.UUID
    seal: Fernet

    def records(self) -> IdempotencyQuerySet:
        return IdempotencyRecord.objects.filter(owner_id=self.owner_id, key=self.key)


class OncePerKey(BaseThrottle):
    """The last thing that DRF asks before the view, so a key that may not do this neither runs nor reads anything."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        key = request.headers.get(HEADER)
        if key is not None and request.method in METHODS:
            if not KEY.fullmatch(key):
                raise ParseError(INVALID)
            request.META[CLAIM] = claim(cast(int, request.user.pk), key, canonical(request))
        return True


class KeepAnswer:
    """Innermost of the middleware: it sees the answer as the view gave it, rendered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if CLAIM in request.META:
            try:
                settle(request.META[CLAIM], answer)
            except DatabaseError:
                # The work is done, and says so; the key is free again when its record counts as abandoned.
                logger.exception("The answer to %s %s could not be kept", request.method, request.path)
        return answer


def canonical(request: Request) -> str:
    """What makes two requests the same: method, path, query and body, whatever the order of names and the blanks in them."""
    return json.dumps([request.method, request.path, sorted(request.query_params.lists()), _body(request)])


def _body(request: Request) -> str:
    try:
        content = request.body
    except RequestDataTooBig as error:
        raise ParseError(TOO_LARGE) from error
    try:
        return json.dumps(ObjectParser().parse(BytesIO(content)), sort_keys=True)
    except (ParseError, RecursionError):
        # The view refuses it, or does not look; here it is the same again if every byte is.
        return content.decode("latin-1")


def claim(owner_id: int, key: str, request: str) -> Claim:
    """Claim the key for this request. Raises Answered if it has its answer, is still running, or is another's key."""
    # Keyed, so that nobody can try out from a copy of the database what a request or an answer may have been.
    secret = json.dumps([owner_id, key, request])
    fingerprint = salted_hmac("inbound.api.idempotency.fingerprint", secret, algorithm="sha256").hexdigest()
    seal = salted_hmac("inbound.api.idempotency.seal", secret, algorithm="sha256").digest()
    claimed = Claim(owner_id, key, uuid.uuid4(), Fernet(base64.urlsafe_b64encode(seal)))
    for _ in range(TRIES):
        if _begin(claimed, fingerprint):
            return claimed
        record = claimed.records().first()
        if record is None:
            continue
        if record.fingerprint != fingerprint:
            raise Answered(JsonResponse({"error": OTHER_REQUEST}, status=422))
        if record.status is not None:
            raise Answered(_replay(record, record.status, claimed.seal))
        break
    wait = max(1, math.ceil(settings.SES_REQUEST_BUDGET))
    raise Answered(JsonResponse({"error": RUNNING}, status=409, headers={"Retry-After": str(wait)}))


def _begin(claimed: Claim, fingerprint: str) -> bool:
    """Insert the record, or take over one that expired or was abandoned; of many that try, one succeeds."""
    try:
        IdempotencyRecord.objects.create(
            owner_id=claimed.owner_id, key=claimed.key, fingerprint=fingerprint, run=claimed.run, started_at=Now()
        )
    except IntegrityError:
        # An abandoned one is taken over by its own request only: until it expires the key is not for another.
        free = claimed.records().expired() | claimed.records().abandoned().filter(fingerprint=fingerprint)
        taken = free.update(
            fingerprint=fingerprint, run=claimed.run, started_at=Now(), status=None, headers={}, body=""
        )
        return taken == 1
    return True


def settle(claimed: Claim, answer: HttpResponse) -> None:
    """Keep the answer; or free the key, where another try may be answered otherwise. Nothing if the run was given up."""
    mine = claimed.records().filter(run=claimed.run)
    if answer.streaming or answer.status_code >= 500 or answer.status_code in NOT_KEPT:
        mine.delete()
        return
    mine.update(
        status=answer.status_code,
        headers=dict(answer.items()),
        body=claimed.seal.encrypt(answer.content).decode(),
    )


def _replay(record: IdempotencyRecord, status: int, seal: Fernet) -> HttpResponse:
    answer = HttpResponse(seal.decrypt(record.body), status=status)
    # Django's own guess; an answer without a body has none.
    del answer["Content-Type"]
    for name, value in (record.headers | {REPLAYED: "true"}).items():
        answer[name] = value
    return answer
