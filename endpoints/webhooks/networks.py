"""Which IP addresses a webhook may reach: public ones, and those in WEBHOOK_ALLOWED_NETWORKS."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# `is_global` says yes to some of these, depending on the version of Python.
NOT_PUBLIC = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            # Azure answers virtual machines at this address, as AWS does at 169.254.169.254.
            "168.63.129.16/32",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
            # Protocols of the IETF, Teredo among them.
            "2001::/23",
            "2001:db8::/32",
            "2002::/16",
            "3fff::/20",
        ),
    )
)
# All other IPv6 addresses are local, multicast, reserved, or stand for an IPv4 address.
GLOBAL_IPV6 = IPv6Network("2000::/3")
# The last 32 bits are an IPv4 address: mapped, translated, and NAT64.
ENDS_IN_IPV4 = tuple(map(IPv6Network, ("::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/96")))

NOT_ALLOWED = "{} is not a public address. The operator can allow its network with WEBHOOK_ALLOWED_NETWORKS."


def refusal(address: str | Address) -> str:
    """A sentence if a webhook must not connect to the address; empty if it may. Raises ValueError for another text."""
    ip = ip_address(address)
    return "" if _is_public(ip) or _is_allowed(ip) else NOT_ALLOWED.format(ip)


def _is_public(ip: Address) -> bool:
    if ip.version == 6 and ip not in GLOBAL_IPV6:
        return False
    return ip.is_global and not any(ip in network for network in NOT_PUBLIC)


def _is_allowed(ip: Address) -> bool:
    """Whether the operator allows it. An IPv4 address inside it must be allowed, too: a translator may pass it on."""
    if not any(ip in network for network in _allowed(tuple(settings.WEBHOOK_ALLOWED_NETWORKS))):
        return False
    inner = next((IPv4Address(int(ip) & 0xFFFFFFFF) for network in ENDS_IN_IPV4 if ip in network), None)
    return inner is None or not refusal(inner)


@lru_cache(maxsize=8)
def _allowed(networks: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(map(ip_network, networks))
