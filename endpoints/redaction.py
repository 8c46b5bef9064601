"""Remove secrets from an endpoint's config, for readers other than its owner."""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "***"

SECRET_KEY = re.compile("secret|password|passwd|token|apikey|authorization|credential")
# Each begins where few texts can, so that their time does not grow with the square of the text.
# Greedy, because a password may contain `@`: the last one ends the user part.
USER_PART = re.compile(r"(://)[^/?#\s]*@")
PARAMETER = re.compile(r"([?&])([^?=&#\s]+)=([^&#\s]*)")
# What is left of a secret: in place of a whole value, or in a URL.
LEFT = re.compile(r"\A\*\*\*\Z|://\*\*\*@|=\*\*\*(?=[&#]|\Z)")


def redacted(config: dict[str, Any]) -> dict[str, Any]:
    """A copy in which `***` replaces, at any depth, the value of every header and of every key that looks secret.

    A key looks secret if it contains `secret`, `password`, `token`, `apiKey` or similar, in any case and with any
    separators. This includes query parameters of URLs. User and password in a URL are replaced, too.
    """
    return {key: _value(key, value) for key, value in config.items()}


def is_redacted(value: object) -> bool:
    """Whether the value of a config, or something in it, is what `redacted` puts in place of a secret."""
    match value:
        case dict():
            return any(map(is_redacted, value.values()))
        case list():
            return any(map(is_redacted, value))
        case str():
            return bool(LEFT.search(value))
        case _:
            return False


def without_hidden(config: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A copy without what `redacted` puts in place of secrets, and where it was, such as `headers.X-Key`."""
    found: list[str] = []
    return _kept(config, "", found), found


def _kept(value: Any, at: str, found: list[str]) -> Any:
    match value:
        case dict():
            kept = {}
            for key, item in value.items():
                place = f"{at}.{key}".lstrip(".")
                if item == HIDDEN:
                    found.append(place)
                else:
                    kept[key] = _kept(item, place, found)
            return kept
        case list():
            return [_kept(item, at, found) for item in value]
        case str() if LEFT.search(value):
            found.append(at)
            return value.replace(f"://{HIDDEN}@", "://").replace(f"={HIDDEN}", "=")
        case _:
            return value


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
