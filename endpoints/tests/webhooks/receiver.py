"""A receiver of webhooks on loopback that misbehaves as a test says.

    receiver = Receiver([b"HTTP/1.1 200 OK\r\n\r\n"])
    receiver.requests   # the bytes of each connection

What it does with a connection is a list: bytes are sent, HANG waits until the client is gone, and RESET resets the connection.
`drip` sends bytes one by one, `endless` sends them again and again. Then the connection is closed.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress

Act = bytes | Callable[["Connection"], None]
PAUSE = 0.02


class Receiver:
    """Each connection gets the next script, and the last script is repeated."""

    def __init__(self, *scripts: list[Act], tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.requests: list[bytes] = []
        self.server_names: list[str | None] = []
        self._scripts = list(scripts)
        self._tls = tls
        if tls:
            tls.sni_callback = lambda _socket, name, _context: self.server_names.append(name)
        self._listening = socket.create_server((host, 0))
        self.port = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/in"
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._listen, daemon=True)]
        self._threads[0].start()

    def stop(self) -> None:
        self._stopped.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(5)

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                accepted, _ = self._listening.accept()
                script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
                thread = threading.Thread(target=self._serve, args=(accepted, script), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, accepted: socket.socket, script: list[Act]) -> None:
        accepted.settimeout(10)
        with suppress(OSError):
            connected = self._tls.wrap_socket(accepted, server_side=True) if self._tls else accepted
            with connected:
                self.requests.append(_request(connected))
                connection = Connection(connected, self._stopped)
                for act in script:
                    connection.send(act) if isinstance(act, bytes) else act(connection)


class Connection:
    def __init__(self, connected: socket.socket, stopped: threading.Event) -> None:
        self.socket = connected
        self.stopped = stopped

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def pause(self) -> bool:
        """False when the test is over."""
        return not self.stopped.wait(PAUSE)


def hang(connection: Connection) -> None:
    """Wait until the client hangs up."""
    connection.socket.recv(1)


def reset(connection: Connection) -> None:
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.socket.close()


def drip(data: bytes) -> Act:
    def act(connection: Connection) -> None:
        for number in range(len(data)):
            if connection.pause():
                connection.send(data[number : number + 1])

    return act


def endless(data: bytes) -> Act:
    def act(connection: Connection) -> None:
        while not connection.stopped.is_set():
            connection.send(data)

    return act


def answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def _request(connected: socket.socket) -> bytes:
    """The head, and as much of the body as it announces."""
    read = b""
    while b"\r\n\r\n" not in read and (part := connected.recv(65536)):
        read += part
    head, _, body = read.partition(b"\r\n\r\n")
    length = next(iter(_lengths(head.split(b"\r\n"))), 0)
    while len(body) < length and (part := connected.recv(65536)):
        body += part
    return head + b"\r\n\r\n" + body


def _lengths(lines: Iterable[bytes]) -> Iterable[int]:
    return (int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:"))
