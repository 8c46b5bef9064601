"""An endpoint's config for readers other than the one who configures it: everything but what opens a door."""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "***"

SECRET_KEY = re.compile("secret|password|passwd|token|apikey|authorization|credential")
# Greedy: a password may hold an `@` of its own, and the last one ends the user's part.
USER_PART = re.compile(r"([a-z][a-z0-9+.-]*://)[^/?#\s]*@", re.IGNORECASE)
PARAMETER = re.compile(r"([?&])([^=&#\s]+)=([^&#\s]*)")


def redacted(config: dict[str, Any]) -> dict[str, Any]:
    """A copy in which, at any depth, `***` stands for the value of each header and of each key that looks secret.

    Looks secret: `secret`, `password`, `token`, `apiKey` and the like, also inside a longer key, in any case and with any
    separators; in the query of a URL as well. A URL's user and password go too.
    """
    return {key: _value(key, value) for key, value in config.items()}


def _value(key: str, value: Any) -> Any:
    if _looks_secret(key):
        return HIDDEN
    if key.lower() == "headers":
        return dict.fromkeys(value, HIDDEN) if isinstance(value, dict) else HIDDEN
    return _visible(value)


def _visible(value: Any) -> Any:
    match value:
        case dict():
            return redacted(value)
        case list():
            return [_visible(item) for item in value]
        case str():
            return PARAMETER.sub(_parameter, USER_PART.sub(rf"\1{HIDDEN}@", value))
        case _:
            return value


def _parameter(found: re.Match[str]) -> str:
    mark, key, _ = found.groups()
    return f"{mark}{key}={HIDDEN}" if _looks_secret(key) else found.group()


def _looks_secret(key: str) -> bool:
    return bool(SECRET_KEY.search(re.sub("[^a-z]", "", key.lower())))
