"""What a receiver of webhooks remembers."""

from __future__ import annotations

import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from ses_integration.emulator.hooks.receiver import MOST
from ses_integration.emulator.server import Emulator
from ses_integration.tests.emulator.clients import control

pytestmark = pytest.mark.sqlite_only


def post(emulator: Emulator, path: str, body: bytes, **headers: str) -> Any:
    request = urllib.request.Request(emulator.url + path, data=body, headers=headers)
    return urllib.request.urlopen(request, timeout=30)


def test_it_remembers_path_headers_and_body(emulator: Emulator) -> None:
    answer = post(emulator, "/_hooks/demo?a=1", b'{"event": "\xc3\xa4"}', **{"Webhook-Id": "msg_1", "X-Many": "a; b"})
    assert (answer.status, answer.read()) == (200, b"")
    status, listed = control(emulator.url, "GET", "/_hooks/demo")
    (request,) = listed
    assert (status, request["method"], request["path"]) == (200, "POST", "/_hooks/demo?a=1")
    assert (request["body"], request["answered"]) == ('{"event": "ä"}', 200)
    assert (request["headers"]["webhook-id"], request["headers"]["x-many"]) == ("msg_1", "a; b")
    assert request["headers"]["content-length"] == "15"
    assert emulator.hook_requests("demo") == listed


def test_a_body_that_is_not_utf_8_can_be_restored(emulator: Emulator) -> None:
    post(emulator, "/_hooks/demo", b"\xff\x00")
    _, listed = control(emulator.url, "GET", "/_hooks/demo")
    assert listed[0]["body"].encode("utf-8", "surrogateescape") == b"\xff\x00"


def test_each_name_has_its_own_requests_and_oldest_come_first(emulator: Emulator) -> None:
    for path in ("a", "b/below", "a/"):
        post(emulator, f"/_hooks/{path}", path.encode())
    assert control(emulator.url, "GET", "/_hooks") == (200, {"a": 2, "b": 1})
    assert [request["body"] for request in control(emulator.url, "GET", "/_hooks/a")[1]] == ["a", "a/"]
    assert control(emulator.url, "DELETE", "/_hooks/a") == (200, [])
    assert control(emulator.url, "GET", "/_hooks") == (200, {"b": 1})
    assert control(emulator.url, "GET", "/_hooks/a") == (200, [])


def test_it_forgets_all_but_the_last_thousand_and_counts_all(emulator: Emulator) -> None:
    connection = HTTPConnection(urlsplit(emulator.url).netloc, timeout=30)
    for number in range(MOST + 2):
        connection.request("POST", "/_hooks/demo", body=str(number))
        connection.getresponse().read()
    connection.close()
    listed = emulator.hook_requests("demo")
    assert (len(listed), listed[0]["body"], listed[-1]["body"]) == (MOST, "2", str(MOST + 1))
    assert control(emulator.url, "GET", "/_hooks") == (200, {"demo": MOST + 2})


def test_a_reset_forgets_receivers_and_their_behaviour(emulator: Emulator) -> None:
    emulator.behave("demo", status=500)
    control(emulator.url, "POST", "/_reset")
    assert post(emulator, "/_hooks/demo", b"").status == 200
    assert control(emulator.url, "GET", "/_hooks") == (200, {"demo": 1})


def test_what_a_receiver_does_not_know_is_not_found(emulator: Emulator) -> None:
    for method, path in (("DELETE", "/_hooks"), ("GET", "/_hooks/demo/below"), ("PUT", "/_hooks/demo/behave")):
        status, answer = control(emulator.url, method, path)
        assert (status, "POST /_hooks/NAME/behave" in answer["endpoints"]) == (404, True)


def test_webhooks_are_not_calls_to_aws(emulator: Emulator) -> None:
    emulator.add_faults({"fault": "throttle", "times": None})
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(emulator, "/_hooks/demo", b"{}").status, range(50)))
    assert (set(answers), len(emulator.hook_requests("demo")), emulator.journal()) == ({200}, 50, [])
