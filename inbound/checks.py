"""System checks for settings that are insecure."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

# Cloud providers give the credentials of a machine to any program on it that asks these addresses.
METADATA = (ip_address("169.254.169.254"), ip_address("fd00:ec2::254"))


@register(Tags.security)
def check_secret_key(**_: Any) -> list[CheckMessage]:
    """Refuse the published SECRET_KEY, even without `--deploy`: with it, anyone can sign in to the admin as any user."""
    if settings.DEBUG:
        return []
    found: list[CheckMessage] = []
    if settings.SECRET_KEY == settings.INSECURE_SECRET_KEY:
        found.append(
            Error(
                "SECRET_KEY is missing, or it is the published default.",
                hint="Set SECRET_KEY to a long random text, or DEBUG=on to try inbound on your own machine.",
                id="inbound.E001",
            )
        )
    if settings.INSECURE_SECRET_KEY in settings.SECRET_KEY_FALLBACKS:
        found.append(
            Error(
                "SECRET_KEY_FALLBACKS contains the published default of SECRET_KEY.",
                hint="Remove it: what was signed with it may come from anyone.",
                id="inbound.E003",
            )
        )
    return found


@register(Tags.security)
def check_debug(**_: Any) -> list[CheckMessage]:
    if not (settings.DEBUG and "*" in settings.ALLOWED_HOSTS):
        return []
    return [
        Warning(
            "DEBUG is on and ALLOWED_HOSTS allows every host: error pages show settings and code to anyone.",
            hint="Turn DEBUG off, or name the hosts in ALLOWED_HOSTS.",
            id="inbound.W001",
        )
    ]


@register(Tags.security)
def check_allowed_networks(**_: Any) -> list[CheckMessage]:
    wide = [text for text in settings.WEBHOOK_ALLOWED_NETWORKS if any(it in ip_network(text) for it in METADATA)]
    if not wide:
        return []
    return [
        Warning(
            f"WEBHOOK_ALLOWED_NETWORKS has {', '.join(wide)}: webhooks can ask the cloud's metadata service for credentials.",
            hint="Name only the networks of your own receivers.",
            id="inbound.W002",
        )
    ]


@register(Tags.security)
def check_redirect(**_: Any) -> list[CheckMessage]:
    if not settings.SECURE_SSL_REDIRECT or settings.BEHIND_TLS_PROXY:
        return []
    return [
        Warning(
            "SECURE_SSL_REDIRECT is on and BEHIND_TLS_PROXY is off: behind a proxy, every request is redirected for ever.",
            hint="Turn BEHIND_TLS_PROXY on, unless gunicorn itself answers with TLS.",
            id="inbound.W003",
        )
    ]
