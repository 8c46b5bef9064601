"""The receivers, by name, and what they have got."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from ses_integration.emulator.control.endpoints import InvalidBody
from ses_integration.emulator.control.recent import Recent
from ses_integration.emulator.hooks.behaviour import Behaviour, parse
from ses_integration.emulator.hooks.misbehaviour import misbehave
from ses_integration.emulator.wire.responses import ConnectionCut, Response, json_response
from ses_integration.emulator.wire.wsgi import Environ

PATH = "/_hooks"
# For each receiver.
MOST, MOST_BYTES = 1000, 64 * 1024 * 1024

ENDPOINTS = (
    f"GET {PATH}",
    *(f"{method} {PATH}/NAME" for method in ("POST", "GET", "DELETE")),
    *(f"{method} {PATH}/NAME/behave" for method in ("POST", "GET", "DELETE")),
)


@dataclass(frozen=True)
class Request:
    """What a receiver got. `answered`: the status, or the fault in its place. The body is UTF-8; other bytes are escaped."""

    at: str
    method: str
    path: str
    headers: dict[str, str]
    body: str
    answered: int | str


@dataclass
class _Receiver:
    requests: Recent[Request] = field(default_factory=lambda: Recent(MOST, MOST_BYTES))
    behaviour: Behaviour = field(default_factory=Behaviour)


class Hooks:
    """A receiver for each name that is used. Thread-safe: a slow answer holds up nobody."""

    def __init__(self) -> None:
        self._receivers: dict[str, _Receiver] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def serve(self, environ: Environ, body: bytes) -> Response:
        """Answer a request to `/_hooks` or below. Raises ConnectionCut."""
        method: str = environ["REQUEST_METHOD"]
        name, _, rest = str(environ.get("PATH_INFO", "")).removeprefix(PATH).strip("/").partition("/")
        if not name:
            return json_response(self.counts()) if method == "GET" else _unknown(method)
        if rest == "behave":
            return self._serve_behaviour(method, name, body)
        if method == "POST":
            return self._take(name, environ, body)
        if rest or method not in ("GET", "DELETE"):
            return _unknown(method)
        if method == "DELETE":
            with self._lock:
                self._receivers.pop(name, None)
        return json_response(self.requests(name))

    def counts(self) -> dict[str, int]:
        """How many requests each has got, forgotten ones included."""
        with self._lock:
            return {name: receiver.requests.added for name, receiver in sorted(self._receivers.items())}

    def requests(self, name: str) -> list[dict[str, Any]]:
        """The requests that a receiver remembers, oldest first, in the format of `GET /_hooks/NAME`."""
        with self._lock:
            receiver = self._receivers.get(name)
        return [] if receiver is None else [asdict(request) for request in receiver.requests.items()]

    def behave(self, name: str, behaviour: Behaviour) -> None:
        """Answer like this from now on. Ends the behaviour that was there, but not the answers that have begun."""
        with self._lock:
            self._receivers.setdefault(name, _Receiver()).behaviour = behaviour

    def end_answers(self) -> None:
        """End the answers that wait or are slow, by closing their connections."""
        self._ended.set()
        self._ended = threading.Event()

    def clear(self) -> None:
        """Forget everything."""
        self.end_answers()
        with self._lock:
            self._receivers.clear()

    def _take(self, name: str, environ: Environ, body: bytes) -> Response:
        ended = self._ended
        with self._lock:
            receiver = self._receivers.setdefault(name, _Receiver())
            behaviour = receiver.behaviour
            if behaviour.times is not None:
                behaviour.times -= 1
                if not behaviour.times:
                    receiver.behaviour = Behaviour()
        receiver.requests.add(_request(environ, body, behaviour), len(body))
        if behaviour.delay and ended.wait(behaviour.delay):
            raise ConnectionCut
        headers = behaviour.headers
        status, text = behaviour.status, behaviour.body
        if behaviour.fault == "redirect":
            status, headers = HTTPStatus.FOUND, {"Location": f"{PATH}/{name}-redirected", **headers}
        response = Response(status, list(headers.items()), text.encode())
        if behaviour.fault and behaviour.fault != "redirect":
            misbehave(behaviour.fault, environ["werkzeug.socket"], response, ended)
        return response

    def _serve_behaviour(self, method: str, name: str, body: bytes) -> Response:
        if method == "POST":
            try:
                self.behave(name, parse(json.loads(body or b"null")))
            except json.JSONDecodeError as error:
                return json_response({"error": f"The body is not JSON: {error}."}, HTTPStatus.BAD_REQUEST)
            except InvalidBody as error:
                return json_response({"error": str(error)}, HTTPStatus.BAD_REQUEST)
        elif method == "DELETE":
            self.behave(name, Behaviour())
        elif method != "GET":
            return _unknown(method)
        with self._lock:
            receiver = self._receivers.get(name, _Receiver())
            return json_response(receiver.behaviour.as_dict())


def _request(environ: Environ, body: bytes, behaviour: Behaviour) -> Request:
    headers = {
        key.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
        for key, value in environ.items()
        if key.startswith("HTTP_") or key in ("CONTENT_TYPE", "CONTENT_LENGTH")
    }
    return Request(
        at=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        method=environ["REQUEST_METHOD"],
        path=environ.get("REQUEST_URI") or environ["PATH_INFO"],
        headers=headers,
        body=body.decode("utf-8", "surrogateescape"),
        answered=behaviour.fault or behaviour.status,
    )


def _unknown(method: str) -> Response:
    return json_response({"error": f"There is no such {method}.", "endpoints": ENDPOINTS}, HTTPStatus.NOT_FOUND)
