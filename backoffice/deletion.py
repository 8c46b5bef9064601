"""Delete rows in the admin through the services that the API uses, outside Django's own transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.admin.utils import unquote
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
from backoffice.text import UNCERTAIN, Section, listed, plural
from backoffice.urls import list_url
from rest.deletion.plan_token import PlanOutdated

Row = TypeVar("Row", bound=Model)
Text = str | SafeString

MOST_AT_ONCE = 200
NAMES_SHOWN = 10
PLAN_FIELD = "plan"
PLAN_CHANGED = "Nothing was deleted: the plan has changed since you saw it. The new plan is below."
PLAN_MISSING = "Nothing was deleted: the request carried no plan. The plan is below; confirm it there."
PLAN_USED = (
    "Nothing was done: this plan was already used, or someone else started the deletion. Its current state is below."
)


class PlanUsed(Exception):
    """The deletion has already begun. A token starts a deletion once, and does not continue one."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """The outcome for a deleted row: `done` is shown in any case, `warning` while SES has not confirmed the change."""

    done: Text
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """A row's deletion plan as shown on the page: its sections, whether they are certain, and its token.

    The token is empty if the deletion has already begun: there is nothing left to confirm, and no token is required.
    """

    sections: Sequence[Section]
    certain: bool
    token: str


@dataclass(frozen=True, slots=True)
class Item:
    """One row on the confirmation page, with its plan (`sections`), or with a summary and perhaps a link to its plan."""

    pk: object
    link: SafeString
    sections: Sequence[Section] = ()
    lines: Sequence[Text] = ()
    plan_link: SafeString | None = None


class DeletesThroughService(ModelAdmin[Row]):
    """An admin that deletes through a service. Replaces Django's `delete_view` and `delete_selected`.

    A confirmation page comes first, and a message with each outcome afterwards.

    Override `consequences` and `delete_row` (or `delete_rows`). If the model has deletion plans, set `has_plans` and
    override `plan` and `delete_planned`: the page of one row shows its plan and deletes exactly that; the page of many rows
    links to each plan, because building them all would ask S3 and DNS for too long. As over the API, the permission to
    delete a row covers everything that is deleted with it.
    """

    actions = ["delete_selected"]
    has_plans = False
    # Entered once around all deletions of a request, so that the services' waits share one deadline.
    shared_deadline: Callable[[], AbstractContextManager[object]] = staticmethod(nullcontext)

    def consequences(self, rows: Sequence[Row]) -> dict[Any, list[Text]]:
        """Summaries of what is deleted or changed, by primary key. Must use a constant number of statements."""
        return {}

    def plan(self, row: Row) -> Planned:
        """The plan as it is now. May ask S3 and DNS."""
        raise NotImplementedError

    def delete_row(self, request: HttpRequest, row: Row) -> Deleted:
        """Call the service. Raises the model's DoesNotExist if the row has already been deleted."""
        raise NotImplementedError

    def delete_planned(self, request: HttpRequest, row: Row, token: str) -> Deleted:
        """Call the service with the plan's token. Raises PlanOutdated if the plan has changed, and PlanUsed if the deletion
        has already begun."""
        raise NotImplementedError

    def delete_rows(self, request: HttpRequest, rows: Iterable[Row]) -> Iterator[tuple[Row, Deleted | None]]:
        """Delete rows, and yield each with its outcome; None if it had already been deleted.

        Override it if the service takes many rows at once.
        """
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
            messages.error(request, f"This {self.opts.verbose_name} has already been deleted.")
        elif request.method != "POST":
            return self._confirmation_page(request, [row], bulk=False)
        elif refusal := self._delete_one(request, row, request.POST.get(PLAN_FIELD, "")):
            messages.warning(request, refusal)
            if row := self.get_object(request, unquote(object_id)):
                return self._confirmation_page(request, [row], bulk=False)
        return HttpResponseRedirect(list_url(self, request))

    def _delete_one(self, request: HttpRequest, row: Row, token: str) -> str:
        """Delete the row, and return an empty string or the reason why nothing was deleted."""
        if not token and self.has_plans and self.plan(row).token:
            return PLAN_MISSING
        try:
            self._show_outcomes(
                request, self._as_planned(request, row, token) if token else self.delete_rows(request, [row])
            )
        except PlanOutdated:
            return PLAN_CHANGED
        except PlanUsed:
            return PLAN_USED
        return ""

    @admin.action(permissions=["delete"], description="Delete selected %(verbose_name_plural)s")
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Row]) -> HttpResponse | None:
        """The action of the list. It has the name of Django's action, which it replaces."""
        rows = list(queryset[: MOST_AT_ONCE + 1])
        if len(rows) > MOST_AT_ONCE:
            messages.error(request, f"Delete at most {MOST_AT_ONCE} at once.")
            return None
        if not all(self.has_delete_permission(request, row) for row in rows):
            raise PermissionDenied
        if not request.POST.get("post"):
            return self._confirmation_page(request, rows, bulk=True)
        if gone := len(set(request.POST.getlist(ACTION_CHECKBOX_NAME)) - {str(row.pk) for row in rows}):
            messages.warning(request, f"{self._counted(gone)} had already been deleted.")
        self._show_outcomes(request, self.delete_rows(request, rows))
        return None

    def _confirmation_page(self, request: HttpRequest, rows: Sequence[Row], *, bulk: bool) -> HttpResponse:
        planned = self.plan(rows[0]) if self.has_plans and not bulk else None
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "title": f"Delete {self._counted(len(rows)) if bulk else self.opts.verbose_name}?",
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
        model = self.opts.label_lower
        links = {row.pk: page_link(model, row.pk, row) for row in rows}
        if planned is not None:
            return [Item(pk, link, planned.sections) for pk, link in links.items()]
        lines = self.consequences(rows)
        plans = {pk: page_link(model, pk, "Deletion plan", page="delete") for pk in links if self.has_plans}
        return [Item(pk, link, lines=lines.get(pk, ()), plan_link=plans.get(pk)) for pk, link in links.items()]

    def _counted(self, count: int) -> str:
        return plural(count, str(self.opts.verbose_name))

    def _as_planned(self, request: HttpRequest, row: Row, token: str) -> Iterator[tuple[Row, Deleted | None]]:
        try:
            yield row, self.delete_planned(request, row, token)
        except ObjectDoesNotExist:
            yield row, None

    def _show_outcomes(self, request: HttpRequest, deletions: Iterable[tuple[Row, Deleted | None]]) -> None:
        outcomes: dict[tuple[int, str, Text], list[str]] = {}
        with self.shared_deadline():
            for row, deleted in deletions:
                if deleted is None:
                    outcomes.setdefault((messages.WARNING, "Already deleted", ""), []).append(str(row))
                    continue
                LogEntry.objects.log_actions(cast(int, request.user.pk), [row], DELETION)
                level = messages.WARNING if deleted.warning else messages.SUCCESS
                message = _sentences(deleted.done, deleted.warning)
                outcomes.setdefault((level, "Deleted", message), []).append(str(row))
        # One message for all rows with the same outcome. The page capitalises its first letter, which must not be a name's.
        for (level, what, sentences), names in outcomes.items():
            messages.add_message(request, level, _sentences(f"{what}: {listed(names, NAMES_SHOWN)}.", sentences))


def _sentences(*sentences: Text | None) -> SafeString:
    return format_html_join(" ", "{}", ((sentence,) for sentence in sentences if sentence))
