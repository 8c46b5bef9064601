"""A client that keeps its connection, as most HTTP libraries do, and believes what the answers say about it."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse

import pytest

from inbound.tests.processes.support.stack import Process, Stack

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

DOMAINS = "/api/v2/domains"
STATIC = "/static/admin/css/base.css"
KB = 1024


@pytest.fixture
def server(quick_stack: Stack) -> Process:
    quick_stack.web.start()
    return quick_stack.web


class Client:
    """A client with one connection, which it opens again only if an answer says that it is closed."""

    def __init__(self, port: int) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=10)
        # Raise an error instead of connecting again in silence.
        self.connection.auto_open = 0
        self.connection.connect()

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> HTTPResponse:
        self.connection.request(method, path, body, {name.replace("_", "-"): text for name, text in headers.items()})
        return self.connection.getresponse()

    def ask(self, *request: object, **headers: str) -> tuple[int, bytes]:
        answer = self.send(*request, **headers)  # type: ignore[arg-type]
        content = answer.read()
        if answer.will_close:
            self.connection.close()
            self.connection.connect()
        return answer.status, content


@pytest.fixture
def client(server: Process, quick_stack: Stack) -> Iterator[Client]:
    client = Client(quick_stack.web_api.port)
    yield client
    client.connection.close()


@pytest.fixture
def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize("size", [1, 63 * KB, 64 * KB - 1, 64 * KB, 65 * KB, 900 * KB, KB * KB, 1100 * KB])
def test_the_next_request_works_after_a_body_that_nobody_read(client, size, subtests):
    body = b" " * size
    for method, path, status in (
        ("POST", DOMAINS, 401),
        ("POST", "/api/v2/nothing", 404),
        ("POST", "/nothing", 404),
        ("GET", DOMAINS, 401),
        ("DELETE", f"{DOMAINS}/x", 401),
        ("POST", STATIC, 405),
        ("POST", "/admin/", 403),
    ):
        with subtests.test(method=method, path=path):
            assert client.ask(method, path, body)[0] == status
            assert client.ask("GET", STATIC)[0] == 200


def test_the_next_request_works_after_a_refused_one_with_a_key(client, bearer, subtests):
    for method, path, size, status in (
        ("PATCH", DOMAINS, 100 * KB, 405),
        ("POST", DOMAINS, 2 * KB * KB, 400),
        ("POST", DOMAINS, 100 * KB, 400),
        ("DELETE", f"{DOMAINS}/x", 100 * KB, 404),
        ("OPTIONS", DOMAINS, 100 * KB, 204),
    ):
        with subtests.test(method=method, path=path):
            assert client.ask(method, path, b" " * size, **bearer)[0] == status
            assert client.ask("GET", DOMAINS, **bearer)[0] == 200


@pytest.mark.parametrize("size", [10, 100 * KB])
def test_the_next_request_works_after_a_body_in_chunks(client, size):
    chunk = b" " * size
    sent = b"%x\r\n%b\r\n0\r\n\r\n" % (len(chunk), chunk)
    client.connection.putrequest("POST", DOMAINS)
    client.connection.putheader("Transfer-Encoding", "chunked")
    client.connection.endheaders(sent)
    answer = client.connection.getresponse()
    answer.read()
    assert (answer.status, answer.will_close) == (411, True)


def test_a_client_that_waits_before_it_sends_its_body_learns_that_the_connection_ends(client):
    head = f"POST {DOMAINS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\nExpect: 100-continue\r\n\r\n"
    said = b""
    with socket.create_connection(("127.0.0.1", client.connection.port), timeout=10) as connection:
        connection.sendall(head.encode())
        while not said.endswith(b"}"):
            said += connection.recv(4096)
    assert b"401 Unauthorized" in said
    assert b"connection: close" in said.lower()


def test_requests_sent_without_waiting_are_answered_in_order(client):
    head = f"GET {DOMAINS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n12345"
    last = f"HEAD {STATIC} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", client.connection.port), timeout=10) as connection:
        connection.sendall((head * 3 + last).encode())
        said = b"".join(iter(lambda: connection.recv(4096), b""))
    assert re.findall(rb"HTTP/1.1 (\d+)", said) == [b"401", b"401", b"401", b"200"]


def test_head_is_get_without_the_body(server, client, bearer, subtests):
    for path in (DOMAINS, f"{DOMAINS}/x", "/api/v2//domains", "/nothing", "/admin/login/", "/admin/", STATIC):
        with subtests.test(path=path):
            head = client.send("HEAD", path, **bearer)
            assert head.read() == b""
            get = client.send("GET", path, **bearer)
            content = get.read()
            assert (head.status, head.getheader("Content-Length")) == (get.status, str(len(content)))
            assert head.getheader("Content-Type") == get.getheader("Content-Type")
    assert client.ask("HEAD", STATIC, If_Modified_Since="Fri, 01 Jan 2100 00:00:00 GMT") == (304, b"")
    server.stop()
    assert "warning" not in server.text.lower()
    assert "body" not in server.text.lower()
