"""Delete rows in the admin through the services that the API uses, outside Django's own transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.decorators import method_decorator
from django.utils.html import format_html_join
from django.views.decorators.csrf import csrf_protect

from backoffice.base import ModelAdmin
from backoffice.text import UNCERTAIN, listed, plural
from backoffice.urls import list_url
from rest.deletion.plan import Part, Plan
from rest.deletion.plan_token import PlanOutdated

Row = TypeVar("Row", bound=Model)

MOST_AT_ONCE = 200
PLAN_CHANGED = "Nothing was deleted: the plan has changed since you saw it. The new plan is below."
PLAN_MISSING = "Nothing was deleted: the request carried no plan. The plan is below; confirm it there."
PLAN_USED = (
    "Nothing was done: this plan was already used, or someone else started the deletion. Its current state is below."
)


class PlanUsed(PlanOutdated):
    """The deletion of this plan has begun. A token starts a deletion once, and does not continue one."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """The outcome for a deleted row: `done` is shown in any case, `warning` while SES has not confirmed the change."""

    done: str
    warning: str | None = None


class DeletesThroughService(ModelAdmin[Row]):
    """An admin that deletes through a service. Replaces Django's `delete_view` and `delete_selected`.

    A confirmation page comes first, and a message with each outcome afterwards.

    Override `consequences` and `delete_row`. If the model has deletion plans, set `plan_of`: the page of one row shows its
    plan and deletes exactly that; the page of many rows links to each plan, because building them all would ask S3 and DNS
    for too long. As over the API, the permission to delete a row covers everything that is deleted with it.
    """

    actions = ["delete_selected"]
    delete_confirmation_template = "admin/backoffice/delete_through_service.html"
    plan_of: Callable[[Any], Plan[Any, Any]] | None = None
    # What the confirmation page says first, after "This cannot be undone."
    afterwards = (
        "SES is updated at once. Anything SES has not confirmed when the next page loads is finished in the background."
    )
    # Entered once around all deletions of a request, so that looking at the plan again and all waits share one deadline.
    shared_deadline: Callable[[], AbstractContextManager[object]] = staticmethod(nullcontext)

    def consequences(self, rows: Sequence[Row]) -> Mapping[Any, Sequence[str]]:
        """Summaries of what is deleted or changed, by primary key. Must use a constant number of statements."""
        raise NotImplementedError

    def delete_row(self, request: HttpRequest, row: Row, plan_token: str) -> Deleted:
        """Call the service. Raises the model's DoesNotExist if the row has already been deleted.

        With a plan's token it raises PlanOutdated if the plan has changed, and PlanUsed if the deletion has begun.
        """
        raise NotImplementedError

    def delete_rows(self, request: HttpRequest, rows: Sequence[Row]) -> Iterator[tuple[Row, Deleted | None]]:
        """Delete rows without plans, and yield each with its outcome; None if it had already been deleted.

        Override it if the service takes many rows at once.
        """
        for row in rows:
            yield row, self._delete_if_there(request, row)

    @method_decorator(csrf_protect)
    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        if not self.has_delete_permission(request, row):
            raise PermissionDenied
        refusal = ""
        if row is not None and request.method == "POST":
            refusal = self._delete_one(request, row, request.POST.get("plan", ""))
            if not refusal:
                return HttpResponseRedirect(list_url(self, request))
            row = self.get_object(request, unquote(object_id))
        if row is None:
            messages.error(request, f"This {self.opts.verbose_name} has already been deleted.")
            return HttpResponseRedirect(list_url(self, request))
        if refusal:
            messages.warning(request, refusal)
        return self._confirmation_page(request, [row])

    def _delete_one(self, request: HttpRequest, row: Row, token: str) -> str:
        """Delete the row and show the outcome, or return the reason why nothing was deleted."""
        if self.plan_of and not token and not self.plan_of(row).begun:
            return PLAN_MISSING
        try:
            with self.shared_deadline():
                self._show_outcomes(request, [(row, self._delete_if_there(request, row, token))])
        except PlanUsed:
            return PLAN_USED
        except PlanOutdated:
            return PLAN_CHANGED
        return ""

    def _delete_if_there(self, request: HttpRequest, row: Row, token: str = "") -> Deleted | None:
        try:
            return self.delete_row(request, row, token)
        except cast(Any, self.model).DoesNotExist:
            return None

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
            messages.warning(request, f"{plural(gone, str(self.opts.verbose_name))} had already been deleted.")
        with self.shared_deadline():
            self._show_outcomes(request, self.delete_rows(request, rows))
        return None

    def _confirmation_page(self, request: HttpRequest, rows: Sequence[Row], *, bulk: bool = False) -> HttpResponse:
        plan = self.plan_of(rows[0]) if self.plan_of and not bulk else None
        if plan is not None:
            items = [(rows[0], plan.parts())]
        else:
            lines = self.consequences(rows)
            items = [(row, [Part("", lines[row.pk])]) for row in rows]
        name = str(self.opts.verbose_name)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Delete {plural(len(rows), name) if bulk else name}?",
            "opts": self.opts,
            "items": items,
            "plan": plan,
            "afterwards": self.afterwards,
            "uncertain": UNCERTAIN if plan and not plan.certain else "",
            "bulk": bulk,
            "has_plans": self.plan_of is not None,
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return self.render_delete_form(request, context)

    def _show_outcomes(self, request: HttpRequest, deletions: Iterable[tuple[Row, Deleted | None]]) -> None:
        """Add history entries, and one message for all rows with the same outcome."""
        outcomes: dict[Deleted | None, list[str]] = defaultdict(list)
        for row, deleted in deletions:
            outcomes[deleted].append(str(row))
            if deleted is not None:
                self.log_deletions(request, [row])  # type: ignore[arg-type]
        # The page capitalises the first letter of a message, which must not be a name's.
        for deleted, names in outcomes.items():
            if deleted is None:
                messages.warning(request, f"Already deleted: {listed(names)}.")
                continue
            level = messages.WARNING if deleted.warning else messages.SUCCESS
            sentences = filter(None, [f"Deleted: {listed(names)}.", deleted.done, deleted.warning])
            messages.add_message(request, level, format_html_join(" ", "{}", ((text,) for text in sentences)))
