"""A body that is cut, stops or trickles is an error, never a short mail that looks complete."""

from __future__ import annotations

import base64
import hashlib
import io
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from ses_integration.aws import clients
from ses_integration.errors import NotStored, SesError, Unanswered
from ses_integration.storage import objects
from ses_integration.storage.objects import StoredMail

pytestmark = pytest.mark.sqlite_only

KEY = "emails/example.com/indm_1/mail"
# Otherwise the client may send its next request on a connection that is about to be closed.
CLOSES = b"Connection: close\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nx-amz-request-id: 1\r\n" + CLOSES + b"Content-Length: 1000\r\n\r\n"
CHUNKED = HEAD.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")


class Server:
    """Answers each request with what `answer` sends, and then closes the connection."""

    def __init__(self) -> None:
        self.answer: Callable[[socket.socket], None] = lambda connection: None
        self.stopped = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                if self.stopped.is_set():
                    return
                with suppress(OSError):
                    # All of it: closing a connection with unread bytes resets it, and the client may lose the answer.
                    request = b""
                    while not request.endswith(b"\r\n\r\n") and (piece := connection.recv(65536)):
                        request += piece
                    self.answer(connection)

    def stop(self) -> None:
        self.stopped.set()
        socket.create_connection(self._socket.getsockname()).close()
        self._thread.join()
        self._socket.close()


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    server = Server()
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
    clients.forget()
    yield server
    server.stop()
    clients.forget()


def reset(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"x" * 400)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def fetch(most: int = 10**6) -> tuple[int, bytes]:
    file = io.BytesIO()
    return StoredMail(KEY).fetch(file, most), file.getvalue()


def stream() -> bytes:
    _, pieces = StoredMail(KEY).stream()
    return b"".join(pieces)


BROKEN = {
    "cut": lambda connection: connection.sendall(HEAD + b"x" * 400),
    "one byte short": lambda connection: connection.sendall(HEAD + b"x" * 999),
    "no body": lambda connection: connection.sendall(HEAD),
    "reset": reset,
    "an early last chunk": lambda connection: connection.sendall(CHUNKED + b"190\r\n" + b"x" * 400 + b"\r\n0\r\n\r\n"),
    "a chunk that is cut": lambda connection: connection.sendall(CHUNKED + b"3e8\r\n" + b"x" * 400),
    "a chunk that is none": lambda connection: connection.sendall(CHUNKED + b"hello\r\n"),
}


@pytest.mark.parametrize("read", [fetch, stream])
@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_body_that_ends_early_is_no_mail(server, read, broken):
    server.answer = broken
    with pytest.raises(Unanswered):
        read()


def test_a_whole_body_is_a_mail(server):
    server.answer = lambda connection: connection.sendall(HEAD + b"x" * 1000)
    assert fetch() == (1000, b"x" * 1000)
    assert stream() == b"x" * 1000


def test_bytes_that_were_changed_on_the_way_are_no_mail(server):
    checksum = base64.b64encode(hashlib.sha256(b"x" * 1000).digest())
    head = HEAD.replace(b"\r\n\r\n", b"\r\nx-amz-checksum-sha256: " + checksum + b"\r\n\r\n")
    server.answer = lambda connection: connection.sendall(head + b"x" * 999 + b"y")
    for read in (fetch, stream):
        with pytest.raises(Unanswered):
            read()


def test_the_beginning_of_a_body_that_is_cut_later_can_be_read(server):
    server.answer = BROKEN["cut"]
    assert fetch(most=400) == (1000, b"x" * 400)


@pytest.mark.parametrize("read", [fetch, stream])
def test_a_body_that_stops_is_given_up(server, monkeypatch, read):
    monkeypatch.setattr(clients, "MAIL_READ_TIMEOUT", 2)  # the least that a client has

    def stop(connection: socket.socket) -> None:
        connection.sendall(HEAD + b"x" * 400)
        server.stopped.wait(10)

    server.answer = stop
    with pytest.raises(Unanswered):
        read()
    server.stopped.set()


def test_a_body_that_trickles_is_given_up(server, monkeypatch):
    monkeypatch.setattr(objects, "FETCH_SECONDS", 0.2)
    monkeypatch.setattr(objects, "CHUNK", 1)

    def trickle(connection: socket.socket) -> None:
        connection.sendall(HEAD)
        while not server.stopped.wait(0.02):
            connection.sendall(b"x")

    server.answer = trickle
    with pytest.raises(Unanswered):
        fetch()


@pytest.mark.parametrize("status", [b"200 OK", b"404 Not Found", b"403 Forbidden"])
def test_the_page_of_a_proxy_is_no_answer_of_s3(server, status):
    page = b"HTTP/1.1 " + status + b"\r\n" + CLOSES + b"Content-Length: 5\r\n\r\nhello"
    server.answer = lambda connection: connection.sendall(page)
    with pytest.raises(SesError) as error:
        fetch()
    assert not isinstance(error.value, NotStored)


def test_an_error_while_writing_is_the_writers(server):
    class Full(io.BytesIO):
        def write(self, *_: object) -> int:
            raise OSError(28, "No space left on device")

    server.answer = lambda connection: connection.sendall(HEAD + b"x" * 1000)
    with pytest.raises(OSError, match="No space left"):
        StoredMail(KEY).fetch(Full(), 10**6)


def test_a_reader_who_stops_early_leaves_no_open_connection(server):
    server.answer = lambda connection: connection.sendall(HEAD + b"x" * 1000)
    _, pieces = StoredMail(KEY).stream()
    next(pieces)
    pieces.close()
    assert fetch() == (1000, b"x" * 1000)
