"""What the admin shows when a page is missing, not permitted or fails: each says what to do next. Costs no statement."""

from __future__ import annotations

import logging
import sys

from django.db import DataError
from django.http import HttpRequest, HttpResponse

from backoffice.site import error_page
from inbound.database.outages import RETRY_SECONDS, is_outage

logger = logging.getLogger(__name__)

REPEAT_WITH_CARE = "If you were saving or deleting something, check whether it was done before you repeat it."


def bad_request(request: HttpRequest, exception: BaseException | None) -> HttpResponse:
    sentence = "The address or the form has a value that cannot be. Go back and correct it."
    return error_page(400, "This is not possible", sentence)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    sentence = "Your user may not open this page or do this. An administrator can give you the permission."
    return error_page(403, "Not permitted", sentence)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    sentence = (
        "Nothing was done, because it is not certain that the form came from this site. Go back, load its page again, and send "
        "it once more. If that does not help, sign in again and allow cookies; behind a proxy, check CSRF_TRUSTED_ORIGINS."
    )
    return error_page(403, "The form was not taken", sentence)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    sentence = (
        "There is no such page, or what it showed has been deleted. Changes, in the menu, lists who deleted what."
    )
    return error_page(404, "Not found", sentence)


def server_error(request: HttpRequest) -> HttpResponse:
    error = sys.exc_info()[1]
    if _is_bad_input(error):
        logger.warning("%s %s: %s", request.method, request.path, error)
        return bad_request(request, error)
    if is_outage(error):
        title = "The database is not available at the moment"
        sentence = f"Reload this page in a few seconds. {REPEAT_WITH_CARE}"
        return error_page(503, title, sentence, {"Retry-After": RETRY_SECONDS})
    sentence = f"The fault is ours, and the log of the server has it. {REPEAT_WITH_CARE}"
    return error_page(500, "Something went wrong", sentence)


def _is_bad_input(error: BaseException | None) -> bool:
    """Whether the database or a model's field refused a value. Django's admin takes ids and filters from addresses as they are."""
    return isinstance(error, DataError | OverflowError) or (
        isinstance(error, ValueError) and "expected a number" in str(error)
    )
