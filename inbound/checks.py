"""What of the surroundings would be unsafe, or break what the services promise; `manage.py check` and every start say it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register


@register(Tags.security)
def check_secret_key(**_: Any) -> list[CheckMessage]:
    """Not for deployments only: whoever knows the key can sign in to the admin as anybody, wherever it runs."""
    if settings.DEBUG or settings.SECRET_KEY != settings.INSECURE_SECRET_KEY:
        return []
    return [
        Error(
            "SECRET_KEY is the published default.",
            hint="Set SECRET_KEY to a long random text, or DEBUG=on for a first look on your own machine.",
            id="inbound.E001",
        )
    ]


# Without Tags.database, whose checks run only where a command names a database.
@register
def check_atomic_requests(**_: Any) -> list[CheckMessage]:
    """One transaction around a request would keep every change uncommitted while SES is asked to follow it."""
    return [
        Error(
            f"ATOMIC_REQUESTS is on for the database {alias!r}.",
            hint="Take it out of DATABASES (and out of DATABASE_URL): services commit before they call SES.",
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
            "DEBUG is on and ALLOWED_HOSTS takes every host: error pages show settings and code to anybody.",
            hint="Turn DEBUG off, or name the hosts in ALLOWED_HOSTS.",
            id="inbound.W001",
        )
    ]
