"""Middleware about paths."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

BASE = re.compile(r"^/api/v2//+")


class SlashesAfterBase:
    """Serve `/api/v2//domains` as `/api/v2/domains`.

    Clients join base URL and path with a slash, so a base URL that ends with one doubles it. A redirect would lose the body
    of a POST (docs/api/compatibility.md, "Requests").
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.path_info
        request.path_info = BASE.sub("/api/v2/", given)
        request.path = request.path.removesuffix(given) + request.path_info
        return self.get_response(request)
