"""An answer, whole, before it goes on the wire: so that a fault can hold it back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Response as WerkzeugResponse

from ses_integration.emulator.wire.wsgi import Environ, StartResponse, WSGIApplication


class ConnectionCut(ConnectionError):
    """Ends a call without a byte of an answer.

    It is a `ConnectionError` because that is what werkzeug's server takes for a connection that is gone: it then writes
    nothing and closes the socket, and the client sees the connection end where it expected a status line.
    """


@dataclass(frozen=True)
class Response:
    """Status, headers and body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def accepted(self) -> bool:
        """Whether the call was carried out."""
        return self.status < 400

    def send(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Write it. A Content-Length that is already there stays: the answer to HEAD names a body it does not have."""
        response = WerkzeugResponse(self.body, status=self.status, headers=self.headers)
        for name, value in self.headers:
            if name.lower() == "content-length":
                response.headers["Content-Length"] = value
        return response(environ, start_response)


def json_response(value: object, status: int = HTTPStatus.OK) -> Response:
    """The answer of a control endpoint."""
    return Response(status, [("Content-Type", "application/json")], json.dumps(value, default=str).encode() + b"\n")


def run_app(app: WSGIApplication, environ: Environ) -> Response:
    """What the WSGI application answers, read to its end."""
    chunks, status, headers = run_wsgi_app(app, environ, buffered=True)
    return Response(int(status.split()[0]), list(headers), b"".join(chunks))
