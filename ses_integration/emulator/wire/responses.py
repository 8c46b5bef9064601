"""Complete HTTP responses, kept as values so that a fault can delay or drop them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Response as WerkzeugResponse

from ses_integration.emulator.wire.wsgi import Environ, StartResponse, WSGIApplication


class ConnectionCut(ConnectionError):
    """Close the connection without sending a byte.

    werkzeug's server treats a `ConnectionError` as a client that has disconnected: it writes nothing and closes the socket.
    """


@dataclass(frozen=True)
class Response:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def accepted(self) -> bool:
        """Whether AWS carried out the call."""
        return self.status < 400

    def send(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Send the response. Keep its Content-Length: a response to HEAD states the length of a body it omits."""
        response = WerkzeugResponse(self.body, status=self.status, headers=self.headers)
        for name, value in self.headers:
            if name.lower() == "content-length":
                response.headers["Content-Length"] = value
        return response(environ, start_response)


def json_response(value: object, status: int = HTTPStatus.OK) -> Response:
    """The response of a control endpoint."""
    return Response(status, [("Content-Type", "application/json")], json.dumps(value, default=str).encode() + b"\n")


def run_app(app: WSGIApplication, environ: Environ) -> Response:
    """Run a WSGI application and return its complete response."""
    chunks, status, headers = run_wsgi_app(app, environ, buffered=True)
    return Response(int(status.split()[0]), list(headers), b"".join(chunks))
