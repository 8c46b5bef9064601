from __future__ import annotations

import http.client

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endpoints.webhooks.headers import refusal, sendable

pytestmark = pytest.mark.sqlite_only


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", "Bearer a.b=="),
        ("User-Agent", "mine"),
        ("X-Own", ""),
        ("X-Own", "a\tb \xe9"),
        ("x.own~1", "v"),
        ("Accept", "*/*"),
        ("Webhook", "v"),
    ],
)
def test_own_headers_are_allowed(name, value):
    assert refusal(name, value) == ""
    assert sendable({name: value}) == {name: value}


@pytest.mark.parametrize(
    "name",
    [
        "webhook-id", "Webhook-Signature", "WEBHOOK-ANYTHING", "X-Webhook-Event", "x-webhook-verification-token",
        "X-Endpoint-ID", "X-Email-ID", "X-Message-ID", "Host", "Content-Type", "content-length", "Transfer-Encoding",
        "Connection", "Keep-Alive", "Expect", "Upgrade", "TE", "Trailer", "Proxy-Connection",
    ],
)  # fmt: skip
def test_headers_of_inbound_are_reserved(name):
    assert refusal(name, "v") == f"Headers must not contain {name}, which inbound sets itself"


@pytest.mark.parametrize("name", ["", " ", "X Own", "X-Own:", "X\nOwn", "Ü", "X-Own\0", "(x)", "K\u212a", " X"])
def test_a_name_is_a_token(name):
    assert refusal(name, "v") == f"Headers must have valid names: {name}"


@pytest.mark.parametrize("value", ["a\nb", "a\r\nX: y", "\0", "\x7f", "\x85", "€", " a", "a ", "\t"])
def test_a_value_is_printable_latin_1_and_never_shown(value):
    assert refusal("X-Own", value) == "Headers must have values of printable Latin-1 characters: X-Own"


def test_what_an_older_version_stored_is_left_out():
    assert sendable({"Host": "a", "X-Own": "b", "X Own": "c", "X-Emoji": "😀"}) == {"X-Own": "b"}
    assert sendable(None) == {}


@given(st.dictionaries(st.text(max_size=9), st.text(max_size=9)))
def test_what_is_sendable_can_be_sent(headers):
    connection = http.client.HTTPConnection("127.0.0.1")
    connection.putrequest("POST", "/")
    for name, value in sendable(headers).items():
        connection.putheader(name, value)
