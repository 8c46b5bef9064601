"""Middleware about bodies: refuse those without a length or an end, and send none in answers to HEAD."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError

INCOMPLETE = "The body of the request did not arrive in time."
SENTENCE = "Send the body with a Content-Length: one in chunks is not read."


class EmptyForHead:
    """Answer HEAD like GET, with the same Content-Length, but without the body (RFC 9110, section 9.3.2).

    Before all middleware that answers, so that it sees all answers. Static files are sent without a body already.
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


class EndRequired:
    """Answer 408 to a client that has stopped sending its body (RFC 9110, section 15.5.9).

    The limit is the server's (gunicorn.conf.py). Views of the API answer the same (`exception_handler`).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return incomplete() if isinstance(error, UnreadablePostError) else None


def incomplete() -> JsonResponse:
    return JsonResponse({"error": INCOMPLETE}, status=HTTPStatus.REQUEST_TIMEOUT)
