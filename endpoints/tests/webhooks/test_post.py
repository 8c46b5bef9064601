"""Requests to receivers that behave, misbehave, or do not exist."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from endpoints.tests.webhooks.receiver import Receiver, answer, drip, endless, hang, reset
from endpoints.webhooks.post import Answer, post

pytestmark = pytest.mark.sqlite_only

PARTS = [
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 100 \r\n", b"HTTP/9 -1\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Content-Length: -5\r\n",
    b"Content-Length: 99999999999999999999\r\n", b"Retry-After: \xff\r\n", b"\r\n", b"\n", b": x\r\n",
    b"ffffffffffffffffffff\r\n", b"\0",
]  # fmt: skip
OK = answer("200 OK", body=b"thanks")


def sent_to(receiver: Receiver, seconds: float = 5, body: bytes = b"{}", **headers: str) -> Answer:
    return post(receiver.url, body, headers, seconds=seconds)


def test_the_request_is_what_was_given_and_nothing_else(receive):
    receiver = receive([OK])
    result = post(f"{receiver.url}?a=b", b'{"a":1}', {"X-Own": "ü", "Content-Type": "application/json"}, seconds=5)
    assert (result.status, result.text, result.error, result.is_success) == (200, "thanks", "", True)
    head, _, body = receiver.requests[0].partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    assert (first, body) == ("POST /in?a=b HTTP/1.1", b'{"a":1}')
    assert sorted(lines) == [
        "Accept-Encoding: identity",
        "Connection: close",
        "Content-Length: 7",
        "Content-Type: application/json",
        f"Host: 127.0.0.1:{receiver.port}",
        "X-Own: ü",
    ]


@pytest.mark.parametrize("status", ["201 Created", "204 No Content", "299 Whatever"])
def test_2xx_is_a_success(receive, status):
    assert sent_to(receive([f"HTTP/1.1 {status}\r\n\r\n".encode()])).is_success


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 410, 500, 503])
def test_any_other_status_is_none_and_redirects_are_not_followed(receive, status):
    other = receive([OK])
    result = sent_to(receive([answer(f"{status} Why", f"Location: {other.url}", body=b"no")]))
    assert (result.status, result.text, result.is_success) == (status, "no", False)
    assert other.requests == []


def test_proxies_of_the_environment_are_not_used(receive, monkeypatch):
    proxy, receiver = receive([OK]), receive([OK])
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    assert sent_to(receiver).status == 200
    assert (len(receiver.requests), proxy.requests) == (1, [])


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([hang], id="no answer"),
        pytest.param([drip(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000)], id="a head that drips"),
        pytest.param([b"HTTP/1.1 100 Continue\r\n\r\n", hang], id="an interim answer"),
        pytest.param([b"HTTP/1.1 200 OK\r\n", hang], id="half a head"),
    ],
)
def test_without_a_head_in_time_there_is_no_status(receive, script):
    receiver, began = receive(script), time.monotonic()
    result = sent_to(receiver, seconds=0.5)
    assert (result.status, result.error) == (None, f"127.0.0.1:{receiver.port} did not answer within 0.5 s.")
    assert 0.5 <= time.monotonic() - began < 2
    assert 0.5 <= result.seconds < 2


@pytest.mark.parametrize(
    ("script", "text"),
    [
        pytest.param([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", hang], "ab", id="half a body"),
        pytest.param([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", reset], None, id="a reset"),
        pytest.param([b"HTTP/1.1 200 OK\r\n\r\n", drip(b"c" * 10_000)], None, id="a body that drips"),
        pytest.param([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense"], "", id="broken chunks"),
        pytest.param(
            [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", endless(b"2\r\nde\r\n")],
            "de" * 1000,
            id="chunks",
        ),
        pytest.param([b"HTTP/1.1 200 OK\r\n\r\n", endless(b"x" * 9999)], "x" * 2000, id="an endless body"),
    ],
)
def test_once_the_head_has_arrived_its_status_counts_whatever_the_body_does(receive, script, text):
    began = time.monotonic()
    result = sent_to(receive(script), seconds=0.5)
    assert (result.status, result.error) == (200, "")
    assert text is None or result.text == text
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ([reset], "closed the connection without an answer."),
        ([], "closed the connection without an answer."),
        ([b"SSH-2.0-OpenSSH_9.9\r\n"], "is not HTTP."),
        ([b"\x15\x03\x01\x00\x02\x02\x50"], "is not HTTP."),
        ([b"HTTP/1.1 nonsense\r\n\r\n"], "is not HTTP."),
        ([b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"], "is not HTTP."),
        ([b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n"], "is not HTTP."),
        ([b"HTTP/1.1 200 OK\r\nX: ", endless(b"y" * 10_000)], "is not HTTP."),
    ],
)
def test_what_is_no_answer_has_a_sentence_instead_of_a_status(receive, script, error):
    result = sent_to(receive(script))
    assert (result.status, result.refused) == (None, False)
    assert result.error.endswith(error)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.sampled_from(PARTS) | st.binary(max_size=8), max_size=8))
def test_no_answer_whatever_raises_an_error(receive, parts):
    receiver = receive([b"".join(parts)])
    result = sent_to(receiver)
    assert (result.status is None) == bool(result.error)
    receiver.stop()


def test_nobody_listens(receive):
    receiver = receive([OK])
    receiver.stop()
    result = sent_to(receiver)
    assert (result.status, result.error) == (None, f"127.0.0.1:{receiver.port} refuses connections.")


def test_a_receiver_that_answers_before_it_has_read_everything_is_heard(receive, monkeypatch):
    early = [answer("413 Too Large")]
    receiver = receive(early)
    monkeypatch.setattr("endpoints.tests.webhooks.receiver._request", lambda connected: connected.recv(1))
    result = sent_to(receiver, body=b"x" * 5_000_000)
    assert result.status == 413 or result.error.endswith("closed the connection without an answer.")


def test_a_receiver_that_reads_nothing_is_given_up(receive, monkeypatch):
    monkeypatch.setattr("endpoints.tests.webhooks.receiver._request", lambda connected: connected.recv(1))
    receiver = receive([lambda connection: connection.stopped.wait(10)])
    result = sent_to(receiver, seconds=0.5, body=b"x" * 20_000_000)
    assert (result.status, result.error) == (None, f"127.0.0.1:{receiver.port} did not answer within 0.5 s.")


def test_the_next_address_is_tried_if_one_takes_no_connection(receive, dns):
    receiver = receive([OK], host="127.0.0.3")
    dns.publish("hooks.example.com", "A", "127.0.0.2", "127.0.0.3")
    assert post(f"http://hooks.example.com:{receiver.port}/", b"", {}, seconds=5).status == 200
    assert f"Host: hooks.example.com:{receiver.port}".encode() in receiver.requests[0]


def test_a_name_that_does_not_resolve_has_a_sentence(dns):
    result = post("https://hooks.example.com/", b"", {}, seconds=5)
    assert (result.status, result.error, result.refused) == (None, "hooks.example.com has no address in DNS.", False)
    dns.silent()
    result = post("https://hooks.example.com/", b"", {}, seconds=0.2)
    assert (result.status, result.error) == (None, "DNS did not answer within 0.2 s.")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("120", 120), (" 0 ", 0), ("", None), ("-1", None), ("1.5", None), ("soon", None), ("9" * 30, None), ("²", None)],
)
def test_retry_after_in_seconds(receive, value, seconds):
    result = sent_to(receive([answer("503 Later", f"Retry-After: {value}")]))
    assert (result.status, result.retry_after) == (503, seconds)


@pytest.mark.parametrize(("ahead", "least", "most"), [(90, 80, 91), (-90, 0, 0)])
def test_retry_after_as_a_date(receive, ahead, least, most):
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
    result = sent_to(receive([answer("429 Slowly", f"Retry-After: {moment}")]))
    assert result.retry_after is not None
    assert least <= result.retry_after <= most


def test_text_is_what_can_be_stored(receive):
    result = sent_to(receive([answer("500 No", body=b"a\x00b\xff\xc3\xbc" + b"z" * 5000)]))
    assert result.text[:6] == "a\ufffdb\ufffdüz"
    assert len(result.text) == 2000


def test_no_socket_is_left_open(receive, recwarn):
    receiver = receive([hang])
    sent_to(receiver, seconds=0.1)
    with socket.create_connection(("127.0.0.1", receiver.port)):
        pass
    assert not [warning for warning in recwarn if issubclass(warning.category, ResourceWarning)]
