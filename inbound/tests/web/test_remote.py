from __future__ import annotations

import pytest
from django.http import HttpRequest

from inbound.web.remote import remote_address


def remote(direct: str, forwarded: str | None = None) -> str:
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = direct
    if forwarded is not None:
        request.META["HTTP_X_FORWARDED_FOR"] = forwarded
    return remote_address(request)


def test_without_a_proxy_the_header_is_not_believed(settings):
    settings.BEHIND_TLS_PROXY = False
    assert remote("192.0.2.1", "198.51.100.9") == "192.0.2.1"


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("198.51.100.9", "198.51.100.9"),
        ("203.0.113.5, 198.51.100.9", "198.51.100.9"),
        ("2001:DB8::1", "2001:db8::1"),
        ("198.51.100.9:49152", "198.51.100.9"),
        ("203.0.113.5:1, [2001:DB8::1]:80", "2001:db8::1"),
        ("[::1]", "::1"),
        ("[::ffff:192.0.2.1]:80", "192.0.2.1"),
        ("198.51.100.9:", "127.0.0.1"),
        ("198.51.100.9:http", "127.0.0.1"),
        ("[198.51.100.9", "127.0.0.1"),
        (f"fe80::1%{'x' * 300}", "fe80::1"),
        ("[]:80", "127.0.0.1"),
        (":80", "127.0.0.1"),
        ("unknown:80", "127.0.0.1"),
        ("unknown", "127.0.0.1"),
        ("", "127.0.0.1"),
        (None, "127.0.0.1"),
    ],
)
def test_behind_a_proxy_the_last_address_is_the_clients(settings, forwarded, expected):
    settings.BEHIND_TLS_PROXY = True
    assert remote("127.0.0.1", forwarded) == expected


def test_an_ipv4_address_is_the_same_on_an_ipv6_socket(settings):
    settings.BEHIND_TLS_PROXY = False
    assert remote("::ffff:192.0.2.1") == "192.0.2.1"


def test_a_unix_socket_has_no_address(settings):
    settings.BEHIND_TLS_PROXY = False
    assert remote("") == ""
