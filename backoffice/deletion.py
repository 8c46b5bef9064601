"""Deleting one or many rows in the admin through the service that the API uses, and never in Django's own transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.admin.utils import model_ngettext, unquote
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.csrf import csrf_protect

from backoffice.base import ModelAdmin
from backoffice.links import page_link
from backoffice.text import UNCERTAIN, Section
from backoffice.urls import list_url
from rest.plan_token import PlanOutdated

Row = TypeVar("Row", bound=Model)
Text = str | SafeString

MOST_AT_ONCE = 200
NAMED = 10
PLAN = "plan"
CHANGED = "Nothing was deleted: the plan has changed since you saw it. This is what it is now."
UNPLANNED = "Nothing was deleted: no plan came with the request. This is the plan; confirm it below."
USED = "Nothing was done: that plan has been carried out, or somebody was quicker. This is what is left of it."


class PlanUsed(Exception):
    """The deletion that the token stands for has begun: a token is good for one deletion, and does not go on with it."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """What a service said about a row that is gone: `done` in any case, and `warning` while SES has not followed."""

    done: Text
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """What the deletion of one row does, in sections, whether that is certain, and the token of the plan that says so.

    Without a token there is nothing to choose any more, and the row may be deleted without one.
    """

    sections: Sequence[Section]
    certain: bool
    token: str


@dataclass(frozen=True, slots=True)
class Item:
    """One row on the page that asks: with its whole plan, or with a line for each of the more important things."""

    pk: object
    link: SafeString
    lines: Sequence[Text] = ()
    sections: Sequence[Section] = ()


class DeletesThroughService(ModelAdmin[Row]):
    """Replaces both `delete_view` and `delete_selected` by a page that says what will go, and an outcome for each row.

    One row is shown with its plan, where it has one, and only that plan is carried out. For many it would take too long to
    look into S3 and DNS. What goes along needs no permission of its own, as over the API: it is a part of the row.
    """

    actions = ["delete_selected"]
    # Entered once around all deletions of a request: the services' waits inside share one deadline.
    shared_deadline: Callable[[], AbstractContextManager[object]] = staticmethod(nullcontext)

    def consequences(self, rows: Sequence[Row]) -> dict[Any, list[Text]]:
        """For each primary key what will go, or change; in a constant number of statements."""
        raise NotImplementedError

    def plan(self, row: Row) -> Planned | None:
        """For rows whose deletion is planned: the plan as it is now. May look into S3 and DNS."""
        return None

    def delete_row(self, request: HttpRequest, row: Row) -> Deleted:
        """Call the service. Raises the model's DoesNotExist if somebody else was first."""
        raise NotImplementedError

    def delete_planned(self, request: HttpRequest, row: Row, token: str) -> Deleted:
        """The same, where `plan` gives one; raises PlanOutdated if `token` is not that of the plan as it is now, and
        PlanUsed if the deletion has begun."""
        raise NotImplementedError

    def delete_rows(self, request: HttpRequest, rows: Iterable[Row]) -> Iterator[tuple[Row, Deleted | None]]:
        """Each row with its outcome; None if somebody else was first. For services that take many at once to override."""
        for row in rows:
            try:
                yield row, self.delete_row(request, row)
            except ObjectDoesNotExist:
                yield row, None

    @method_decorator(csrf_protect)
    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        if not self.has_delete_permission(request, row):
            raise PermissionDenied
        if row is None:
            messages.error(request, f"This {self.opts.verbose_name} is gone already.")
        elif request.method != "POST":
            return self._ask(request, [row], bulk=False)
        elif why_not := self._delete_one(request, row, request.POST.get(PLAN, "")):
            messages.warning(request, why_not)
            if row := self.get_object(request, unquote(object_id)):
                return self._ask(request, [row], bulk=False)
        return HttpResponseRedirect(list_url(self, request))

    def _delete_one(self, request: HttpRequest, row: Row, token: str) -> str:
        """Why nothing was deleted, or an empty string."""
        if not token and (planned := self.plan(row)) and planned.token:
            return UNPLANNED
        try:
            self._tell(request, self._as_planned(request, row, token) if token else self.delete_rows(request, [row]))
        except PlanOutdated:
            return CHANGED
        except PlanUsed:
            return USED
        return ""

    @admin.action(permissions=["delete"], description="Delete selected %(verbose_name_plural)s")
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Row]) -> HttpResponse | None:
        """Named like Django's, so that it takes its place."""
        rows = list(queryset[: MOST_AT_ONCE + 1])
        if len(rows) > MOST_AT_ONCE:
            messages.error(request, f"Delete at most {MOST_AT_ONCE} at once.")
            return None
        if not all(self.has_delete_permission(request, row) for row in rows):
            raise PermissionDenied
        if not request.POST.get("post"):
            return self._ask(request, rows, bulk=True)
        if gone := len(set(request.POST.getlist(ACTION_CHECKBOX_NAME)) - {str(row.pk) for row in rows}):
            messages.warning(request, f"{gone} {model_ngettext(self.opts, gone)} had gone already.")
        self._tell(request, self.delete_rows(request, rows))
        return None

    def _ask(self, request: HttpRequest, rows: Sequence[Row], *, bulk: bool) -> HttpResponse:
        planned = self.plan(rows[0]) if not bulk else None
        count = f"{len(rows)} " if bulk else ""
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "title": f"Delete {count}{model_ngettext(self.opts, len(rows))}?",
            "opts": self.opts,
            "media": self.media,
            "bulk": bulk,
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
            "items": self._items(rows, planned),
            "planned": planned,
            "uncertain": UNCERTAIN if planned and not planned.certain else "",
        }
        return TemplateResponse(request, "admin/backoffice/delete_through_service.html", context)

    def _items(self, rows: Sequence[Row], planned: Planned | None) -> list[Item]:
        links = {row.pk: page_link(self.opts.label_lower, row.pk, row) for row in rows}
        if planned is not None:
            return [Item(pk, link, sections=planned.sections) for pk, link in links.items()]
        lines = self.consequences(rows)
        return [Item(pk, link, lines[pk]) for pk, link in links.items()]

    def _as_planned(self, request: HttpRequest, row: Row, token: str) -> Iterator[tuple[Row, Deleted | None]]:
        try:
            yield row, self.delete_planned(request, row, token)
        except ObjectDoesNotExist:
            yield row, None

    def _tell(self, request: HttpRequest, deletions: Iterable[tuple[Row, Deleted | None]]) -> None:
        outcomes: dict[tuple[int, str, Text], list[str]] = {}
        with self.shared_deadline():
            for row, deleted in deletions:
                if deleted is None:
                    outcomes.setdefault((messages.WARNING, "Gone already", ""), []).append(str(row))
                    continue
                LogEntry.objects.log_actions(cast(int, request.user.pk), [row], DELETION)
                level = messages.WARNING if deleted.warning else messages.SUCCESS
                said = _sentences(deleted.done, deleted.warning)
                outcomes.setdefault((level, "Deleted", said), []).append(str(row))
        # One message for all that met the same. It begins with a word, because the page capitalises what it begins with.
        for (level, what, sentences), names in outcomes.items():
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            named = f"{what}: {', '.join(names[:NAMED])}{more}."
            messages.add_message(request, level, _sentences(named, sentences))


def _sentences(*sentences: Text | None) -> SafeString:
    return format_html_join(" ", "{}", ((sentence,) for sentence in sentences if sentence))
