"""The types of WSGI that the emulator's parts hand to each other, and reading a request's body."""

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
    """The whole body, chunked or not. Read before anything else: a socket closed on unread data resets the client."""
    stream = environ["wsgi.input"]
    size = -1 if environ.get("wsgi.input_terminated") else int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = stream.read(size)
    return body


def with_body(environ: Environ, body: bytes) -> Environ:
    """A copy of the request that can be read from its start, any number of times, also after its connection ended."""
    copy = {key: value for key, value in environ.items() if not key.startswith("werkzeug.")}
    copy.pop("HTTP_TRANSFER_ENCODING", None)
    copy.pop("wsgi.input_terminated", None)
    copy["CONTENT_LENGTH"] = str(len(body))
    copy["wsgi.input"] = io.BytesIO(body)
    return copy
