"""Idempotency keys: a write that is sent twice is carried out once and gets the same answer (docs/api/idempotency.md, ADR 7).

`OncePerKey` claims the key before the view runs, and `KeepAnswer` stores the answer afterwards. Each uses a statement that
commits by itself, so every process sees the claim before the work begins.
"""

from __future__ import annotations

import base64
import json
import logging
import math
import re
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, cast

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import IntegrityError, connection
from django.db.models.functions import Now
from django.db.utils import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from inbound.api.parsers import TOO_LARGE, ObjectParser
from inbound.models import IdempotencyQuerySet, IdempotencyRecord
from rest.keyed_digests import keyed_digests

if TYPE_CHECKING:
    from rest_framework.views import APIView

logger = logging.getLogger(__name__)

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
KEY = re.compile(r"[!-~]{1,255}")
# Keys in `request.META`: the throttle hands the claim to the middleware, and notes that the view of a write comes next.
CLAIM, BEGUN = "inbound.api.idempotency", "inbound.api.begun"
# Answers about the client, not about its request.
NOT_KEPT = frozenset({401, 403, 429})
# A record may be deleted between two statements, which frees its key. If that keeps happening, others use the key.
TRIES = 3

INVALID = f"{HEADER} must be 1 to 255 visible ASCII characters."
OTHER_REQUEST = f"This {HEADER} was used for another request. Use a new key for a new request."
RUNNING = f"The first request with this {HEADER} is still running. Send it again in a few seconds."


# Claims of requests that failed, while the database was away, and whose keys could therefore not be freed.
_left: deque[Claim] = deque(maxlen=10_000)


class Answered(Exception):
    """Raised to skip the view, because the request already has an answer."""

    def __init__(self, answer: HttpResponse) -> None:
        super().__init__()
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run the request, as long as the record has this `run`. `seal` encrypts the stored answer."""

    owner_id: int
    key: str
    run: uuid.UUID
    seal: Fernet

    def records(self) -> IdempotencyQuerySet:
        return IdempotencyRecord.objects.filter(owner_id=self.owner_id, key=self.key)


class OncePerKey(BaseThrottle):
    """DRF throttle that claims the key.

    Throttles come after authentication and permissions, so a client without the scope can neither claim a key nor read a
    stored answer.
    """

    def allow_request(self, request: Request, view: APIView) -> bool:
        if request.method in METHODS:
            key = request.headers.get(HEADER)
            if key is not None:
                if not KEY.fullmatch(key):
                    raise ParseError(INVALID)
                free_left_keys()
                request.META[CLAIM] = claim(cast(int, request.user.pk), key, canonical(request, view))
            request.META[BEGUN] = True
        return True


class KeepAnswer:
    """Innermost middleware, so that it sees the rendered answer of the view."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if CLAIM in request.META:
            try:
                self._finish(request, answer)
            except DatabaseError as error:
                # The work is done, so send its answer. The key becomes free when its record counts as abandoned.
                logger.error("The answer to %s %s could not be kept: %s", request.method, request.path, error)
                if answer.status_code >= 500:
                    _left.append(request.META[CLAIM])
        return answer

    @staticmethod
    def _finish(request: HttpRequest, answer: HttpResponse) -> None:
        try:
            finish(request.META[CLAIM], answer)
        except DatabaseError:
            # The connection was lost. Another one may work.
            connection.close()
            finish(request.META[CLAIM], answer)


def free_left_keys() -> None:
    """Free the keys of this process's requests that failed together with the database. Raises DatabaseError if it is away."""
    while _left:
        with suppress(IndexError):  # another thread was faster
            left = _left.popleft()
            try:
                left.records().filter(run=left.run).delete()
            except DatabaseError:
                _left.append(left)
                raise


def canonical(request: Request, view: APIView) -> str:
    """Text that is equal for equal requests: method, path, query and body, regardless of the order of names and spaces.

    Of a body with a file, which may be large, only the length counts.
    """
    is_upload = getattr(view, "action", None) in getattr(view, "uploading", ())
    body = request.META.get("CONTENT_LENGTH", "") if is_upload else _body(request)
    return json.dumps([request.method, request.path, sorted(request.query_params.lists()), body])


def _body(request: Request) -> str:
    try:
        content = request.body
    except RequestDataTooBig as error:
        raise ParseError(TOO_LARGE) from error
    try:
        return json.dumps(ObjectParser().parse(BytesIO(content)), sort_keys=True)
    except (ParseError, RecursionError):
        # The view refuses or ignores such a body. Compare it by its bytes.
        return content.decode("latin-1")


def claim(owner_id: int, key: str, request: str) -> Claim:
    """Claim the key for this request. Raises Answered if it was answered, is running, or if another request used the key."""
    seals = dict(_seals(json.dumps([owner_id, key, request])))
    fingerprints = list(seals)
    claimed = Claim(owner_id, key, uuid.uuid4(), seals[fingerprints[0]])
    for _ in range(TRIES):
        if _begin(claimed, fingerprints):
            return claimed
        record = claimed.records().first()
        if record is None:
            continue
        if record.fingerprint not in seals:
            raise Answered(JsonResponse({"error": OTHER_REQUEST}, status=422))
        if record.status is not None:
            raise Answered(_replay(record, record.status, seals[record.fingerprint]))
        break
    wait = max(1, math.ceil(settings.SES_REQUEST_BUDGET))
    raise Answered(JsonResponse({"error": RUNNING}, status=409, headers={"Retry-After": str(wait)}))


def _seals(secret: str) -> Iterator[tuple[str, Fernet]]:
    """Fingerprint and seal of the request under SECRET_KEY, and then under each earlier key.

    Both are keyed, so that guesses about a request cannot be verified with a copy of the database.
    """
    fingerprints = keyed_digests("inbound.api.idempotency.fingerprint", secret)
    for fingerprint, seal in zip(fingerprints, keyed_digests("inbound.api.idempotency.seal", secret), strict=True):
        yield fingerprint.hex(), Fernet(base64.urlsafe_b64encode(seal))


def _begin(claimed: Claim, fingerprints: list[str]) -> bool:
    """Insert the record, or take over an expired or abandoned one. Of several runs, one succeeds."""
    try:
        IdempotencyRecord.objects.create(
            owner_id=claimed.owner_id, key=claimed.key, fingerprint=fingerprints[0], run=claimed.run, started_at=Now()
        )
    except IntegrityError:
        # Only the same request may take over an abandoned record. For others the key is in use until the record expires.
        free = claimed.records().expired() | claimed.records().abandoned().filter(fingerprint__in=fingerprints)
        taken = free.update(
            fingerprint=fingerprints[0], run=claimed.run, started_at=Now(), status=None, headers={}, body=""
        )
        return taken == 1
    return True


def finish(claimed: Claim, answer: HttpResponse) -> None:
    """Store the answer, or free the key if another attempt may get another answer.

    Does nothing if another run has taken over the record.
    """
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
    # Django's default. An answer without a body has no content type.
    del answer["Content-Type"]
    for name, value in (record.headers | {REPLAYED: "true"}).items():
        answer[name] = value
    return answer
