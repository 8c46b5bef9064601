"""WSGI types, and helpers to read and replay a request's body."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse as StartResponse
    from _typeshed.wsgi import WSGIApplication as WSGIApplication
else:
    StartResponse = WSGIApplication = object

Environ = dict[str, Any]


def read_body(environ: Environ) -> bytes:
    """Read the whole body, chunked or not. Do this first: closing a socket with unread data resets the client's connection."""
    stream = environ["wsgi.input"]
    size = -1 if environ.get("wsgi.input_terminated") else int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = stream.read(size)
    return body


def with_body(environ: Environ, body: bytes) -> Environ:
    """A copy of the request with an unread body, usable repeatedly and after its connection has ended."""
    copy = {key: value for key, value in environ.items() if not key.startswith("werkzeug.")}
    copy.pop("HTTP_TRANSFER_ENCODING", None)
    copy.pop("wsgi.input_terminated", None)
    copy["CONTENT_LENGTH"] = str(len(body))
    copy["wsgi.input"] = io.BytesIO(body)
    return copy
