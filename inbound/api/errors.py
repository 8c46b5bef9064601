"""One shape for every error: `{"error": string, …}` (docs/api/compatibility.md, "Errors")."""

from __future__ import annotations

import logging
import sys
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from inbound.api.bodies import incomplete
from inbound.api.idempotency import BEGUN, Answered
from inbound.database.outages import RETRY_SECONDS, is_outage
from rest.deletion.confirmation import plan_outdated, why_outdated
from rest.deletion.plan_token import PlanOutdated
from rest.errors import Conflict, TooManyRequests, Unavailable
from ses_integration.api import QuotaExceeded

logger = logging.getLogger(__name__)

UNAVAILABLE = "The database is not available at the moment. Try again in a few seconds."
UNKNOWN_OUTCOME = (
    "The database became unavailable during this request, which may have taken effect. Send it again with the same "
    "Idempotency-Key, or check first whether it did."
)


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """DRF's EXCEPTION_HANDLER. An unexpected exception is logged, and its text is not sent to the client."""
    if isinstance(error, Answered):
        return error.answer
    set_rollback()
    if isinstance(error, Http404):
        error = exceptions.NotFound("Not found")
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, SuspiciousOperation):
        # Django raises this for excessive requests, for example with thousands of parameters.
        error = exceptions.ParseError("Invalid request")
    elif isinstance(error, QuotaExceeded):
        error = Conflict({"error": error.sentence, "code": "SES_QUOTA_REACHED"})
    elif isinstance(error, PlanOutdated):
        error = plan_outdated(why_outdated(error))
    request = context["request"]
    if isinstance(error, UnreadablePostError):
        return incomplete()
    if is_outage(error):
        logger.error("%s %s: %s", request.method, request.path, error)
        return unavailable(UNKNOWN_OUTCOME if BEGUN in request.META else UNAVAILABLE)
    if not isinstance(error, exceptions.APIException):
        logger.error("%s %s", request.method, request.path, exc_info=error)
        return Response({"error": "Internal server error"}, status=500)
    if isinstance(error, exceptions.MethodNotAllowed):
        return Response(status=405, headers={"Allow": ", ".join(context["view"].allowed_methods)})
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return Response({"error": "Unauthorized"}, status=401, headers={"WWW-Authenticate": "Bearer"})
    headers = {"Retry-After": str(error.retry_seconds)} if isinstance(error, Unavailable | TooManyRequests) else None
    return Response(_body(error.detail), status=error.status_code, headers=headers)


def _body(detail: Any) -> dict[str, Any]:
    """Return `detail` if it has an `error`. Otherwise its first text is the error."""
    if isinstance(detail, dict) and "error" in detail:
        return {key: _plain(value) for key, value in detail.items()}
    return {"error": _first_text(detail)}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, exceptions.ErrorDetail) else value


def _first_text(detail: Any) -> str:
    if isinstance(detail, dict):
        return _first_text(next(iter(detail.values()), "Invalid request"))
    if isinstance(detail, list):
        return _first_text(next(iter(detail), "Invalid request"))
    return str(detail)


def bad_request(request: HttpRequest, exception: BaseException | None) -> JsonResponse:
    return JsonResponse({"error": "Invalid request"}, status=400)


def not_found(request: HttpRequest, exception: Exception) -> JsonResponse:
    return JsonResponse({"error": "Not found"}, status=404)


def unavailable(sentence: str) -> JsonResponse:
    return JsonResponse({"error": sentence}, status=503, headers={"Retry-After": RETRY_SECONDS})


def forbidden(request: HttpRequest, exception: Exception) -> JsonResponse:
    return JsonResponse({"error": "Forbidden"}, status=403)


def server_error(request: HttpRequest) -> JsonResponse:
    """Answer to an exception outside the API's views, such as those of the middleware."""
    if is_outage(sys.exc_info()[1]):
        return unavailable(UNAVAILABLE)
    return JsonResponse({"error": "Internal server error"}, status=500)
