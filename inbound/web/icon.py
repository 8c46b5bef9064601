"""`/favicon.ico`, for which browsers ask by themselves."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    return HttpResponse(_icon(), content_type="image/svg+xml", headers={"Cache-Control": "public, max-age=86400"})


@cache
def _icon() -> bytes:
    """The icon of the admin."""
    return Path(str(finders.find("backoffice/icon.svg"))).read_bytes()
