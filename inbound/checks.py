"""System checks for settings that are insecure or break the services' transaction guarantees."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register


@register(Tags.security)
def check_secret_key(**_: Any) -> list[CheckMessage]:
    """Refuse the published SECRET_KEY, even without `--deploy`: with it, anyone can sign in to the admin as any user."""
    if settings.DEBUG or settings.SECRET_KEY != settings.INSECURE_SECRET_KEY:
        return []
    return [
        Error(
            "SECRET_KEY is missing, or it is the published default.",
            hint="Set SECRET_KEY to a long random text, or DEBUG=on to try inbound on your own machine.",
            id="inbound.E001",
        )
    ]


# Not tagged Tags.database, because those checks run only for commands that name a database.
@register
def check_atomic_requests(**_: Any) -> list[CheckMessage]:
    """Refuse ATOMIC_REQUESTS: a transaction around each request would leave changes uncommitted while SES is updated."""
    return [
        Error(
            f"ATOMIC_REQUESTS is on for the database {alias!r}.",
            hint="Remove it from DATABASE_URL: services must commit before they call SES.",
            id="inbound.E002",
        )
        for alias, database in settings.DATABASES.items()
        if database.get("ATOMIC_REQUESTS")
    ]


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
