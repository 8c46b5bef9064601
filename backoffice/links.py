"""Links from one admin page to another. Models are named by text, because most of them stand above this app."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

from django.contrib.admin.utils import quote
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

# A page of a row would show None as it is.
NOTHING = SafeString("-")


def page_link(model: str, pk: object, text: object) -> SafeString:
    """To one row's page; `model` as in `domains.domain`. Costs no statement, and does not look whether the row is there."""
    return format_html(
        '<a href="{}">{}</a>', reverse(f"admin:{model.replace('.', '_')}_change", args=[quote(str(pk))]), text
    )


def list_link(model: str, text: object, **lookups: object) -> SafeString:
    """To the list of the rows that `lookups` leave."""
    url = reverse(f"admin:{model.replace('.', '_')}_changelist")
    return format_html('<a href="{}?{}">{}</a>', url, urlencode(lookups), text)


def joined(parts: Iterable[SafeString], separator: str = " · ") -> SafeString:
    return format_html_join(SafeString(separator), "{}", ((part,) for part in parts))


def user_link(pk: object, text: object) -> SafeString:
    return NOTHING if pk is None else page_link("auth.user", pk, text)


def rows_of_domain(name: str) -> SafeString:
    """From something that knows a domain by its name only to what has that name, or had it."""
    return joined(
        [
            list_link("domains.domain", "domain", name=name),
            list_link("domains.domaindeletion", "deletions", name=name),
        ]
    )
