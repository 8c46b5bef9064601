"""Middleware that refuses bodies without a length."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse

SENTENCE = "Send the body with a Content-Length: one in chunks is not read."


class LengthRequired:
    """Answer 411 to chunked requests (RFC 9112, section 7.1).

    Django reads as many bytes as Content-Length says, so it would treat the body as empty.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "HTTP_TRANSFER_ENCODING" in request.META:
            return JsonResponse({"error": SENTENCE}, status=HTTPStatus.LENGTH_REQUIRED)
        return self.get_response(request)
