"""The client's address."""

from __future__ import annotations

import re
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest

# Some proxies add the client's port: 192.0.2.1:49152, [2001:db8::1]:49152.
WITH_PORT = re.compile(r"(?:\[(?P<ipv6>[^\]]*)\]|(?P<ipv4>[^:]*))(?::[0-9]+)?")


def remote_address(request: HttpRequest) -> str:
    """The client's IP address, or an empty text if it is not known.

    Behind a proxy it is the last address in `X-Forwarded-For`: the proxy has added it, and the client may have sent the others.
    """
    direct: str = request.META.get("REMOTE_ADDR", "")
    forwarded: str = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.BEHIND_TLS_PROXY else ""
    for text in (_without_port(forwarded.rpartition(",")[2].strip()), direct):
        try:
            # Without the zone of fe80::1%eth0: a name of any length, and nothing that another machine knows.
            address = ip_address(text.partition("%")[0])
        except ValueError:
            continue
        # As a socket for IPv6 has the addresses of IPv4: ::ffff:192.0.2.1.
        return str(getattr(address, "ipv4_mapped", None) or address)
    return ""


def _without_port(text: str) -> str:
    found = WITH_PORT.fullmatch(text)
    return found["ipv6"] or found["ipv4"] or "" if found else text
