"""How a receiver of webhooks answers when it is told to misbehave."""

from __future__ import annotations

import http.client
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from urllib.parse import urlsplit

import pytest

from ses_integration.emulator.server import Emulator
from ses_integration.tests.emulator.clients import control

pytestmark = pytest.mark.sqlite_only


def connect(emulator: Emulator, seconds: float = 30) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(emulator.url).netloc, timeout=seconds)


def answer(emulator: Emulator, name: str = "demo") -> tuple[int, dict[str, str], bytes]:
    with closing(connect(emulator)) as connection:
        connection.request("POST", f"/_hooks/{name}", body=b"{}")
        response = connection.getresponse()
        return response.status, {key.lower(): value for key, value in response.getheaders()}, response.read()


def test_it_fails_so_many_times_and_then_works(emulator: Emulator) -> None:
    told = {"status": 503, "times": 2, "headers": {"Retry-After": "2"}, "body": "later"}
    status, shown = control(emulator.url, "POST", "/_hooks/demo/behave", told)
    assert (status, shown) == (200, {**told, "delay": 0, "fault": ""})
    for _ in range(2):
        code, headers, body = answer(emulator)
        assert (code, headers["retry-after"], body) == (503, "2", b"later")
    assert (answer(emulator)[0], answer(emulator, "other")[0]) == (200, 200)
    assert [request["answered"] for request in emulator.hook_requests("demo")] == [503, 503, 200]


def test_it_keeps_a_behaviour_without_a_count_until_it_is_deleted(emulator: Emulator) -> None:
    emulator.behave("demo", status=410)
    assert [answer(emulator)[0] for _ in range(3)] == [410] * 3
    assert control(emulator.url, "DELETE", "/_hooks/demo/behave")[1]["status"] == 200
    assert answer(emulator)[0] == 200


def test_it_redirects(emulator: Emulator) -> None:
    emulator.behave("demo", fault="redirect", times=1)
    status, headers, _ = answer(emulator)
    assert (status, headers["location"]) == (302, "/_hooks/demo-redirected")
    emulator.behave("demo", fault="redirect", headers={"Location": "http://169.254.169.254/"})
    assert answer(emulator)[1]["location"] == "http://169.254.169.254/"


def test_it_resets_the_connection(emulator: Emulator) -> None:
    emulator.behave("demo", fault="reset")
    with pytest.raises(ConnectionResetError):
        answer(emulator)
    assert [request["answered"] for request in emulator.hook_requests("demo")] == ["reset"]


def test_an_endless_answer_ends_with_a_reset_of_the_emulator(emulator: Emulator) -> None:
    emulator.behave("demo", fault="endless")
    with closing(connect(emulator)) as connection:
        connection.request("POST", "/_hooks/demo", body=b"{}")
        response = connection.getresponse()
        assert (response.status, len(response.read(1_000_000))) == (200, 1_000_000)
        emulator.reset()
        while response.read(1_000_000):
            pass


@pytest.mark.parametrize(("fault", "begins"), [("slow_head", b"H"), ("slow_body", b"HTTP/1.1 200 OK")])
def test_a_slow_answer_comes_byte_by_byte(emulator: Emulator, fault: str, begins: bytes) -> None:
    emulator.behave("demo", fault=fault, body="x" * 100)
    with closing(connect(emulator, seconds=0.3)) as connection:
        connection.request("POST", "/_hooks/demo", body=b"{}")
        received = b""
        with suppress(TimeoutError):
            while piece := connection.sock.recv(1000):
                received += piece
    assert received.startswith(begins)
    assert received.count(b"x") <= 1


def test_slow_answers_hold_up_nobody(emulator: Emulator) -> None:
    """Many of them at once, with calls to AWS among them."""
    emulator.behave("slow", delay=3600)
    with ThreadPoolExecutor(40) as pool:
        waiting = [pool.submit(answer, emulator, "slow") for _ in range(40)]
        until = threading.Event()
        while len(emulator.hook_requests("slow")) < 40:
            until.wait(0.001)
        assert answer(emulator)[0] == 200
        assert control(emulator.url, "GET", "/_health")[0] == 200
        assert not any(future.done() for future in waiting)
        emulator.reset()
        for future in waiting:
            assert isinstance(future.exception(timeout=30), http.client.RemoteDisconnected | ConnectionResetError)


@pytest.mark.parametrize(
    "body",
    [b"{", None, [], 1, {"status": 99}, {"status": "500"}, {"status": True}, {"times": 0}, {"times": -1}, {"delay": -1},
     {"delay": "1"}, {"headers": {"a b": "c"}}, {"headers": {"a": "b\r\nc: d"}}, {"headers": {"a": 1}}, {"body": 1},
     {"fault": "explode"}, {"stauts": 500}],
)  # fmt: skip
def test_an_invalid_behaviour_is_refused_and_changes_nothing(emulator: Emulator, body: object) -> None:
    status, told = control(emulator.url, "POST", "/_hooks/demo/behave", body)
    assert status == 400
    assert told["error"]
    assert answer(emulator)[0] == 200


def test_a_client_that_gives_up_does_not_disturb_the_next(emulator: Emulator) -> None:
    emulator.behave("demo", fault="endless", times=1)
    with socket.create_connection((urlsplit(emulator.url).hostname or "", urlsplit(emulator.url).port or 0)) as gone:
        gone.sendall(b"POST /_hooks/demo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        assert gone.recv(10) == b"HTTP/1.1 2"
    assert answer(emulator)[0] == 200
