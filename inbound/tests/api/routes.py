"""Routes of the API, read from the URL configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver


def _walk(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and hasattr(pattern.callback, "actions"):
            yield route.removeprefix("api/v2/"), pattern.callback


# Views by route, such as `domains/<str:pk>`.
ROUTES: dict[str, Any] = dict(_walk(get_resolver().url_patterns))


# What stands for the other parts of a path that vary.
PARTS = {"index": "0", "filename": "a.txt", "user": "1000000"}


def path_of(route: str, pk: str = "") -> str:
    """The path of a row. Its id is by default the first part of the path."""
    pk = pk or route.partition("/")[0]
    return "/api/v2/" + re.sub(r"<\w+:(\w+)>", lambda part: PARTS.get(part[1], pk), route)


def allows(route: str, method: str) -> bool:
    view, method = ROUTES[route], method.lower().replace("head", "get")
    return method in view.actions
