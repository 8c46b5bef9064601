"""A body without a length, which would be taken for none: refused before anything is done for the request."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse

SENTENCE = "Send the body with a Content-Length: one in chunks is not read."


class LengthRequired:
    """Django reads as much as Content-Length says: of a body in chunks (RFC 9112, 7.1) nothing, whatever it asks for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "HTTP_TRANSFER_ENCODING" in request.META:
            return JsonResponse({"error": SENTENCE}, status=HTTPStatus.LENGTH_REQUIRED)
        return self.get_response(request)
