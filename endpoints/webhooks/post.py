"""The request of a webhook: one POST to a checked address, with one deadline for everything, without redirects and proxies."""

from __future__ import annotations

import io
import re
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

from django.conf import settings

from endpoints.webhooks.target import Refused, Target, Unresolved, resolve

# Of the body of the answer.
MOST_READ_BYTES = 64 * 1024
MOST_SHOWN_CHARACTERS = 2000
MOST_TRIED_ADDRESSES = 4
SECONDS = re.compile(r"[0-9]{1,9}")

NOT_HTTP = "The receiver's answer is not HTTP."


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request. `error` is a sentence if there is no `status`; `refused`: nothing was sent.

    `seconds` is how long it took, `retry_after` how many seconds the receiver wants to be left alone.
    """

    seconds: float
    status: int | None = None
    text: str = ""
    error: str = ""
    retry_after: float | None = None
    refused: bool = False

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def post(url: str, body: bytes, headers: Mapping[str, str], *, seconds: float) -> Answer:
    """Send the body and read the answer, all within `seconds`. Never raises for what the receiver or the network does.

    Once the head of an answer has arrived, its status counts, even if the body is late or incomplete.
    """
    clock = _Clock(seconds)
    try:
        target = resolve(url, min(seconds, settings.DNS_TIMEOUT_SECONDS))
    except Refused as error:
        return Answer(clock.passed(), error=str(error), refused=True)
    except Unresolved as error:
        return Answer(clock.passed(), error=str(error))
    connection = _Connection(target, clock)
    try:
        response = _exchange(connection, target, body, headers)
        text = _text(response)
        return Answer(
            clock.passed(), response.status, text, retry_after=_retry_after(response.getheader("Retry-After"))
        )
    except (OSError, HTTPException) as error:
        return Answer(clock.passed(), error=_sentence(error, target, seconds))
    finally:
        connection.finish()


class _Clock:
    """The time since the request began, and what is left of it."""

    def __init__(self, seconds: float) -> None:
        self._started = time.monotonic()
        self._seconds = seconds

    def passed(self) -> float:
        return time.monotonic() - self._started

    def left(self) -> float:
        """Raises TimeoutError if nothing is left."""
        left = self._seconds - self.passed()
        if left <= 0:
            raise TimeoutError
        return left


class _Connection(HTTPConnection):
    """A connection to one of the checked addresses. `sock` is what the base class calls it."""

    def __init__(self, target: Target, clock: _Clock) -> None:
        super().__init__(target.host, target.port)
        self._target = target
        self._clock = clock
        self._socket: socket.socket | None = None

    def connect(self) -> None:
        self._socket = _connected(self._target, self._clock)
        if self._target.scheme == "https":
            self._socket.settimeout(self._clock.left())
            self._socket = _trusted().wrap_socket(self._socket, server_hostname=self._target.host)
        self.sock: Any = _TimedSocket(self._socket, self._clock)

    def finish(self) -> None:
        if self._socket is not None:
            self._socket.close()


class _TimedSocket(io.RawIOBase):
    """A socket whose every operation ends with the clock. A time limit of a socket would begin anew with each byte."""

    def __init__(self, connected: socket.socket, clock: _Clock) -> None:
        self._socket = connected
        self._clock = clock

    def sendall(self, data: bytes) -> None:
        self._socket.settimeout(self._clock.left())
        self._socket.sendall(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._socket.settimeout(self._clock.left())
        return self._socket.recv_into(buffer)

    def makefile(self, _: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def close(self) -> None:
        """Do nothing: http.client closes the socket before it reads the body of the answer."""


def _connected(target: Target, clock: _Clock) -> socket.socket:
    """A connection to the first address that takes one. Each gets its share of the time."""
    addresses = target.addresses[:MOST_TRIED_ADDRESSES]
    for number, address in enumerate(addresses):
        try:
            return socket.create_connection((address, target.port), timeout=clock.left() / (len(addresses) - number))
        except OSError:
            if number == len(addresses) - 1:
                raise
    raise OSError("no address")


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """TLS that asks for a certificate which the system trusts. Reading its store takes longer than a request."""
    return ssl.create_default_context()


def _exchange(connection: _Connection, target: Target, body: bytes, headers: Mapping[str, str]) -> HTTPResponse:
    sent = {**headers, "Host": target.authority, "Content-Length": str(len(body)), "Connection": "close"}
    connection.connect()
    # A receiver may answer and hang up before it has read everything.
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.request("POST", target.path, body, sent)
    return connection.getresponse()


def _text(response: HTTPResponse) -> str:
    """The beginning of the body, as far as it came."""
    read = b""
    with suppress(OSError, HTTPException):
        while len(read) < MOST_READ_BYTES and (part := response.read1(MOST_READ_BYTES - len(read))):
            read += part
    # PostgreSQL cannot store NUL.
    return read.decode(errors="replace").replace("\0", "\ufffd")[:MOST_SHOWN_CHARACTERS]


def _retry_after(value: str | None) -> float | None:
    """The seconds of a Retry-After header, which has a number or a date (RFC 9110, 10.2.3)."""
    value = (value or "").strip()
    if SECONDS.fullmatch(value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (aware - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError, TypeError):
        return None


def _sentence(error: OSError | HTTPException, target: Target, seconds: float) -> str:
    match error:
        case TimeoutError():
            return f"{target.authority} did not answer within {seconds:g} s."
        case ssl.SSLCertVerificationError():
            return f"The certificate of {target.authority} is not valid: {error.verify_message.rstrip('.')}."
        case ssl.SSLError():
            return f"No secure connection with {target.authority}: {error.reason or 'TLS failed'}."
        case ConnectionRefusedError():
            return f"{target.authority} refuses connections."
        case ConnectionError():
            return f"{target.authority} closed the connection without an answer."
        case HTTPException():
            return NOT_HTTP
        case _:
            return f"{target.authority} cannot be reached: {error.strerror or 'no connection'}."
