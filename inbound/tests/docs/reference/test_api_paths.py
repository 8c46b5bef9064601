"""docs/api/README.md has every path of the API, with its methods."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from inbound.tests.docs.pages import codes, page, rows

BASE = "/api/v2"
CALLS = {codes(row[0])[0]: codes(row[1]) for row in rows(page("docs/api/README.md").section("Calls"))}


def _paths(patterns: list[Any], prefix: str = "") -> Iterator[str]:
    """The paths of a URL configuration, with `{id}` for what varies."""
    for it in patterns:
        text = str(it.pattern).removeprefix("^").removesuffix("$").removesuffix(r"\Z")
        path = prefix + re.sub(r"<[^>]+>(?:\[[^\]]*\]\+\))?|\(\?P<\w+>[^)]*\)", "{id}", text)
        if isinstance(it, URLResolver):
            yield from _paths(it.url_patterns, path)
        elif isinstance(it, URLPattern):
            yield f"/{path}"


def test_every_path_is_documented():
    paths = {path.removeprefix(BASE) for path in _paths(get_resolver().url_patterns) if path.startswith(f"{BASE}/")}
    assert paths == CALLS.keys()


def test_the_methods_are_those_that_are_allowed(api):
    for path, methods in CALLS.items():
        answer = api.generic("TRACE", BASE + path.replace("{id}", "x"))
        assert answer.status_code == 405, path
        allowed = set(answer["Allow"].split(", ")) - {"HEAD", "OPTIONS"}
        assert allowed == set(methods), path


def test_the_statuses_and_codes_are_documented():
    errors = page("docs/api/README.md").section("Errors")
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", errors, re.MULTILINE)) == {
        "DOMAIN_ALREADY_REGISTERED",
        "DOMAIN_IS_MAIL_FROM",
        "EXPORT_RUNNING",
        "PLAN_OUTDATED",
        "SES_QUOTA_REACHED",
    }
