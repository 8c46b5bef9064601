"""The audit log in the admin: who changed what, when, and how."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.actions import MODELS, WORDS, Action, spaced
from audit.models import Change
from backoffice.base import ReadOnlyAdmin
from backoffice.links import NOTHING, page_link, related_link
from backoffice.lists import SEARCH_NOTE, ChoiceListFilter, newest
from backoffice.tables import html_table
from backoffice.text import listed, visible
from rest.names.canonical import canonical_part

PAGES = frozenset(MODELS.values())
# Members in the column of the list.
MOST_MEMBERS = 3


class ActionFilter(ChoiceListFilter):
    title = "action"
    parameter_name = "what"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(action.value, action.value.capitalize()) for action in Action]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Change]) -> QuerySet[Change]:
        return queryset if self.value() is None else queryset.filter(action=self.value())


class ObjectFilter(ChoiceListFilter):
    title = "object"
    parameter_name = "object"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(word, spaced(word).capitalize()) for word in WORDS.values()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Change]) -> QuerySet[Change]:
        labels = [label for label, word in WORDS.items() if word == self.value()]
        return queryset.filter(object_type__in=labels) if labels else queryset


@admin.register(Change)
class ChangeAdmin(ReadOnlyAdmin[Change]):
    """Every object's page links here, with the lookups `object_type` and `object_id`."""

    when_empty = "Nothing has been changed yet. Each change by API, admin, command and worker is listed here."
    owner_link = related_link("owner__username")
    list_display = ["at", "what", "kind", "differences", "author", "door"]
    list_display_links = ["at"]
    list_filter = [ObjectFilter, ActionFilter, "door", ("at", admin.DateFieldListFilter)]
    list_select_related = ["owner"]
    search_fields = ["object_name", "object_id", "who", "key", "remote", "request_id"]
    search_help_text = (
        f"A part of a name, id, key or address. {SEARCH_NOTE.format('object or time')}. "
        "Or a whole name, id, user name or request id, among all"
    )
    ordering = ["-id"]
    readonly_fields = ["what", "kind", "owner_link", "author", "table"]
    fieldsets = [
        (None, {"fields": ["at", "what", "kind", "object_id", "owner_link"]}),
        ("Who", {"fields": ["author", "door", "via", "remote", "request_id"]}),
        ("Before and after", {"fields": ["table"]}),
    ]

    class Media:
        css = {"all": ["backoffice/pages.css"]}

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Change], search_term: str) -> Any:
        """What is the whole value of a column with an index is found among all. Then nothing else is looked for."""
        term = search_term.strip()
        if not term:
            return queryset, False
        name = Q(object_name__in={term, canonical_part(term)})
        # With all types, so that the index of both serves.
        pk = Q(object_type__in=list(WORDS), object_id=term)
        if (found := queryset.filter(name | pk | Q(who=term) | Q(request_id=term))).exists():
            return found, False
        return super().get_search_results(request, newest(queryset, "-pk"), search_term)

    @admin.display(description="what", ordering="object_name")
    def what(self, change: Change) -> SafeString:
        name = visible(change.object_name) or change.object_id
        is_there = change.object_type in PAGES and change.object_id and change.action != Action.DELETED
        return format_html(
            "{} {}", page_link(change.object_type, change.object_id, name) if is_there else name, change.action
        )

    @admin.display(description="object", ordering="object_type")
    def kind(self, change: Change) -> str:
        return spaced(WORDS.get(change.object_type, change.object_type))

    @admin.display(description="who", ordering="who")
    def author(self, change: Change) -> str:
        """The key with its name; of a worker, its task."""
        names = [change.who, f"key {change.key}" if change.key else ""]
        return visible(", ".join(filter(None, names))) or change.via or NOTHING

    @admin.display(description="changed")
    def differences(self, change: Change) -> str:
        lines = [f"{member}: {old} → {new}" if old else f"{member}: {new}" for member, old, new in _rows(change)]
        return visible(listed(lines, MOST_MEMBERS)) if change.after else NOTHING

    @admin.display(description="members")
    def table(self, change: Change) -> SafeString:
        rows = _rows(change)
        return html_table(["Member", "Before", "After"], rows) if rows else NOTHING


def _rows(change: Change) -> list[tuple[str, str, str]]:
    """Each member that differs, as people read it, with both values. An empty text: that side was not recorded."""
    before, after = _flat(change.before), _flat(change.after)
    members = dict.fromkeys([*before, *after])
    rows = [(member, before.get(member, ""), after.get(member, "")) for member in members]
    return [row for row in rows if row[1] != row[2]]


def _flat(values: dict[str, Any] | None) -> dict[str, str]:
    """The members as texts, with those of an object, such as an endpoint's config, one by one."""
    found: dict[str, str] = {}
    for member, value in (values or {}).items():
        if isinstance(value, dict):
            found |= {f"{spaced(member)} {inner}": _shown(one) for inner, one in value.items()}
        else:
            found[spaced(member)] = _shown(value)
    return found


def _shown(value: Any) -> str:
    match value:
        case True | False as flag:
            return "yes" if flag else "no"
        case None | "":
            return "none"
        case str(text):
            return text
        case list(values):
            return ", ".join(map(_shown, values)) or "none"
        case _:
            return json.dumps(value, ensure_ascii=False)
