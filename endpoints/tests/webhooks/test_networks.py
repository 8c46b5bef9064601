from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endpoints.tests.webhooks.forbidden import ADDRESSES
from endpoints.webhooks.networks import refusal

pytestmark = pytest.mark.sqlite_only

PUBLIC = [
    "8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1",
    "192.0.1.1", "223.255.255.255", "2606:4700::1111", "2001:200::1", "2a00:1450:4001::1", "2620:fe::fe",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address):
    assert refusal(address) == ""


@pytest.mark.parametrize("address", ADDRESSES)
def test_all_others_are_refused_with_a_sentence(address):
    assert refusal(address).endswith(
        " is not a public address. The operator can allow its network with WEBHOOK_ALLOWED_NETWORKS."
    )


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_inside_an_ipv6_address_is_refused(address: IPv4Address):
    for prefix in ("::", "::ffff:", "::ffff:0:", "64:ff9b::"):
        assert refusal(IPv6Address(f"{prefix}{address}"))
    assert refusal(IPv6Address(0x2002 << 112 | int(address) << 80))


@given(st.ip_addresses())
def test_nothing_that_python_knows_to_be_local_is_allowed(address: IPv4Address | IPv6Address):
    local = address.is_private or address.is_multicast or address.is_reserved or address.is_loopback
    assert refusal(address) or not local


def test_an_operator_can_allow_networks(settings):
    settings.WEBHOOK_ALLOWED_NETWORKS = ["10.20.0.0/16", "::1/128"]
    assert refusal("10.20.3.4") == refusal("::1") == ""
    assert refusal("10.21.0.1")
    assert refusal("127.0.0.1")
    assert refusal("::ffff:10.20.3.4")


def test_behind_a_translator_the_address_inside_must_be_allowed_too(settings):
    settings.WEBHOOK_ALLOWED_NETWORKS = ["64:ff9b::/96"]
    assert refusal("64:ff9b::8.8.8.8") == ""
    assert refusal("64:ff9b::169.254.169.254")
    settings.WEBHOOK_ALLOWED_NETWORKS = ["64:ff9b::/96", "10.0.0.0/8"]
    assert refusal("64:ff9b::10.0.0.1") == ""
