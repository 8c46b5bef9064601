"""The middleware that begins a request."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.encoding import escape_uri_path

from audit.origin import Door, Origin, acting, current, identify, request_id
from inbound.web.measured import measure
from inbound.web.remote import remote_address

logger = logging.getLogger(__name__)

HEADER = "X-Request-Id"
# Asked so often that the other lines would be hard to find.
FREQUENT = ("/healthz", "/readyz", "/metrics", "/static/")


class BeginRequest:
    """Give the request an id and an origin, return the id, measure the request and log one line about it.

    First in the list, so that every answer has an id. Authentication tells the origin which key it is.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        door = Door.ADMIN if _is_admin(request) else Door.API
        identifier = request_id(request.headers.get(HEADER, ""))
        with acting(Origin(door, remote=remote_address(request), request_id=identifier)):
            answer = self.get_response(request)
            answer.headers[HEADER] = identifier
            seconds = time.perf_counter() - began
            measure(request, answer, seconds)
            _log(request, answer, seconds)
        return answer

    def process_view(self, request: HttpRequest, view: object, args: object, options: object) -> None:
        """Tell the origin who has signed in to the admin. The API's views do not know sessions, so they cost no statement."""
        if _is_admin(request):
            user: Any = getattr(request, "user", AnonymousUser())
            identify(who=user.get_username())


def _is_admin(request: HttpRequest) -> bool:
    return request.path_info.startswith(reverse("admin:index"))


def _log(request: HttpRequest, answer: HttpResponse, seconds: float) -> None:
    """Log method, path, status, duration, and who asked. Not the query, which may hold an address or a plan token."""
    origin = current() or Origin(Door.API)
    members = {
        "method": request.method,
        # Escaped, because a client chooses it: it must neither end the line nor look like its rest.
        "path": escape_uri_path(request.path),
        "status": answer.status_code,
        "milliseconds": round(seconds * 1000),
        "who": origin.who,
        "key": origin.key_start,
        "remote": origin.remote,
    }
    by = "".join(
        f", {word}{text}"
        for word, text in (("", origin.who), ("key ", origin.key_start), ("from ", origin.remote))
        if text
    )
    level = logging.DEBUG if request.path_info.startswith(FREQUENT) else logging.INFO
    line = "{method} {path}: {status} in {milliseconds} ms".format(**members)
    logger.log(level, "%s%s", line, by, extra={"members": members})
