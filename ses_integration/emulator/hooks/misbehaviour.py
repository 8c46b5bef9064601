"""Answers that break HTTP, written to the socket of the connection."""

from __future__ import annotations

import socket
import struct
import threading
from http import HTTPStatus

from ses_integration.emulator.wire.responses import ConnectionCut, Response

_HOUR = 3600
_PIECE = b"0123456789abcdef" * 256


def misbehave(fault: str, connection: socket.socket, response: Response, ended: threading.Event) -> None:
    """Answer in the way of the fault. `ended`: stops slow and endless ones. Always raises ConnectionCut."""
    try:
        if fault == "reset":
            # The server closes the socket. It then sends RST, because nothing may linger.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif fault == "endless":
            connection.sendall(_head(response.status, response.headers))
            while not ended.is_set():
                connection.sendall(_PIECE)
        else:
            body = response.body or b"slow"
            head = _head(response.status, [*response.headers, ("Content-Length", str(len(body)))])
            fast, slow = (head, body) if fault == "slow_body" else (b"", head + body)
            connection.sendall(fast)
            for position in range(len(slow)):
                if ended.wait(_HOUR / len(slow) if position else 0):
                    break
                connection.sendall(slow[position : position + 1])
    except OSError:
        # The client has had enough.
        pass
    raise ConnectionCut


def _head(status: int, headers: list[tuple[str, str]]) -> bytes:
    lines = [f"HTTP/1.1 {status} {_phrase(status)}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
