"""Middleware about bodies: refuse those of requests without a length, and send none in answers to HEAD."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse

SENTENCE = "Send the body with a Content-Length: one in chunks is not read."


class EmptyForHead:
    """Answer HEAD like GET, with the same Content-Length, but without the body (RFC 9110, section 9.3.2).

    First in the list, so that it sees the answers of all other middleware. Static files are sent without a body already.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if request.method == "HEAD" and not answer.streaming:
            answer.headers.setdefault("Content-Length", str(len(answer.content)))
            answer.content = b""
        return answer


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
