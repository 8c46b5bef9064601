"""What is in a mail, as HTML in which nothing of it runs and nothing is fetched from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeVar

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from backoffice.base import ModelAdmin
from backoffice.links import NOTHING
from backoffice.tables import html_table
from backoffice.text import visible

Row = TypeVar("Row", bound=Model)

# For the mail's HTML in its frame. Its links lead nowhere: the page forbids frames to load anything.
FRAME_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
FRAME_HEAD = (
    f'<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{FRAME_POLICY}">'
    '<meta name="referrer" content="no-referrer">'
)
# For a page that shows mail. The frame inherits it, so it must allow what the frame needs.
PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self'; object-src 'none'; "
    "frame-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def protected(response: HttpResponse) -> HttpResponse:
    """The page, with a policy by which no script of a mail would run even if it got into the page."""
    response["Content-Security-Policy"] = PAGE_POLICY
    response["Referrer-Policy"] = "same-origin"
    response["Cache-Control"] = "no-store"
    return response


class ShowsMail(ModelAdmin[Row]):
    """An admin whose pages show what strangers wrote."""

    def page_title(self, row: Row) -> str:
        """The title of the page of a row."""
        return str(row)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        if (row := kwargs.get("obj")) is not None:
            context["subtitle"] = visible(self.page_title(row))
        return super().render_change_form(request, context, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return protected(super().changelist_view(request, extra_context))

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return protected(super().changeform_view(request, *args, **kwargs))

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return protected(super().delete_view(request, *args, **kwargs))

    def history_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return protected(super().history_view(request, *args, **kwargs))


def plain_text(text: str) -> SafeString:
    return format_html('<pre class="mail-text">{}</pre>', text) if text else NOTHING


def framed_html(html: str) -> SafeString:
    """The mail's HTML in a frame that has no rights at all: no scripts, forms, pop-ups, and no origin."""
    if not html:
        return NOTHING
    return format_html(
        '<iframe class="mail-html" sandbox="" referrerpolicy="no-referrer" loading="lazy" title="HTML of the mail" '
        'srcdoc="{}"></iframe>',
        FRAME_HEAD + html,
    )


def header_table(headers: dict[str, Any]) -> SafeString:
    """One line for each header field, in their order."""
    rows = [(visible(name), part) for name, value in headers.items() for part in _values(value)]
    return html_table(["Name", "Value"], rows) if rows else NOTHING


def address_line(parsed: dict[str, Any] | None) -> str:
    """The text of a header with addresses, such as To."""
    return visible(str((parsed or {}).get("text") or ""))


def _values(value: Any) -> Sequence[str]:
    if isinstance(value, list):
        return [part for one in value for part in _values(one)]
    match value:
        case str(text) | {"text": str(text)}:
            return [visible(text)]
        case {"value": str(value), "params": {**params}}:
            return [visible("; ".join([value, *(f"{name}={param}" for name, param in params.items())]))]
        case _:
            return [visible(json.dumps(value, ensure_ascii=False))]
