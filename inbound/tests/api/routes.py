"""Routes of the API, read from the URL configuration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver


def _walk(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and route.startswith("api/v2/"):
            yield route.removeprefix("api/v2/"), pattern.callback


# Views by route, such as `domains/<str:pk>`.
ROUTES: dict[str, Any] = dict(_walk(get_resolver().url_patterns))


def allows(route: str, method: str) -> bool:
    view, method = ROUTES[route], method.lower().replace("head", "get")
    return method in view.actions
