"""System checks of the DNS settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from domains.dns.nameserver import nameserver

SHORTEST, LONGEST = 0.1, 30.0


@register
def check_resolvers(**_: Any) -> list[CheckMessage]:
    return [
        Error(
            f"DNS_RESOLVERS has {text!r}, which is not the address of a resolver.",
            hint="Use IP addresses, with a port where it is not 53: 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353.",
            id="domains.E001",
        )
        for text in settings.DNS_RESOLVERS
        if not _usable(text)
    ]


@register
def check_dns_timeout(**_: Any) -> list[CheckMessage]:
    seconds = settings.DNS_TIMEOUT_SECONDS
    if SHORTEST <= seconds <= LONGEST:
        return []
    return [
        Error(
            f"DNS_TIMEOUT_SECONDS is {seconds}.",
            hint=f"Use a number from {SHORTEST:g} to {LONGEST:g}, because users wait for the answer.",
            id="domains.E002",
        )
    ]


def _usable(text: str) -> bool:
    try:
        nameserver(text)
    except ValueError:
        return False
    return True
