"""The page that asks before something is deleted, and what follows it. Outside Django's own transaction."""

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
from django.utils.text import capfirst
from django.views.decorators.csrf import csrf_protect

from backoffice.base import ModelAdmin
from backoffice.deletion import phrase
from backoffice.links import list_url
from backoffice.text import listed, plural
from rest.deletion.plan import Doubt, Part, Plan
from rest.deletion.plan_token import PlanOutdated

Row = TypeVar("Row", bound=Model)

MOST_AT_ONCE = 200
PLAN_CHANGED = "Nothing was deleted: the plan has changed since you saw it. The new plan is below."
PLAN_MISSING = "Nothing was deleted: the request carried no plan. The plan is below; confirm it there."
PLAN_USED = (
    "Nothing was done: this plan was already used, or someone else started the deletion. Its current state is below."
)
FOR_GOOD = "This cannot be undone."
NOT_TYPED = "Nothing was deleted: this is not what you were asked to type."


class PlanUsed(PlanOutdated):
    """The deletion of this plan has begun. A token starts a deletion once, and does not continue one."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """The outcome for a deleted row: `done` is shown in any case, `warning` while SES has not confirmed the change.

    `report`: the primary key of the report, if there is one. `continued`: an earlier request has begun the deletion.
    """

    done: str
    warning: str | None = None
    report: str = ""
    continued: bool = False


class DeletesThroughService(ModelAdmin[Row]):
    """An admin that deletes through a service. Replaces Django's `delete_view` and `delete_selected`.

    A confirmation page comes first. It asks to type the name of the row, or how many rows there are. Afterwards comes
    `results_url`, or a message with each outcome.

    Override `consequences` and `delete_row`. If the model has deletion plans, set `plan_of`: the page of one row shows its
    plan and deletes exactly that; the page of many rows links to each plan, because building them all would ask S3 and DNS
    for too long. As over the API, the permission to delete a row covers everything that is deleted with it.
    """

    actions = ["delete_selected"]
    delete_confirmation_template = "admin/backoffice/delete_through_service.html"
    plan_of: Callable[[Any], Plan[Any, Any]] | None = None
    # What the page calls it, and the message afterwards.
    verb, outcome = "Delete", "Deleted"
    # How it can be undone, in a sentence, if it can be at any time.
    undoing = ""
    # Whether the confirmation page asks to type the name, or how many rows there are.
    asks_to_type = True
    # What the confirmation page says after whether it can be undone.
    afterwards = (
        "SES is updated at once. Anything that it has not confirmed by then is pending, and the next page says so."
    )
    # What the page says besides the doubts of a plan, such as that SES does not answer.
    further_doubts: Callable[[], Sequence[Doubt]] = staticmethod(tuple)
    # Entered once around all deletions of a request, so that looking at the plan again and all waits share one deadline.
    shared_deadline: Callable[[], AbstractContextManager[object]] = staticmethod(nullcontext)

    # Titles of the columns for what `consequences` says. With one title, all lines of a row are in one cell.
    consequence_titles: Sequence[str] = ("What happens",)

    def grace_days(self) -> int:
        """For how many days a deletion that begins now can be undone, for the sentence that the confirmation page begins with."""
        return 0

    def totals(self, rows: Sequence[Row]) -> str:
        """What is deleted with all these rows, in one line."""
        return ""

    def results_url(self, request: HttpRequest, deleted: Sequence[Deleted]) -> str:
        """The page that shows what has become of rows that were deleted. Empty if messages do."""
        return ""

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
            done = self._delete_one(request, row, request.POST.get("plan", ""))
            if not isinstance(done, str):
                return done
            refusal = done
            row = self.get_object(request, unquote(object_id))
        if row is None:
            messages.error(request, f"This {self.opts.verbose_name} has already been deleted.")
            return HttpResponseRedirect(list_url(self, request))
        if refusal:
            messages.warning(request, refusal)
        return self._confirmation_page(request, [row])

    def _delete_one(self, request: HttpRequest, row: Row, token: str) -> HttpResponse | str:
        """Delete the row and show the outcome, or return the reason why nothing was deleted."""
        begun = self.plan_of is not None and not token and self.plan_of(row).begun
        if self.plan_of and not token and not begun:
            return PLAN_MISSING
        if not begun and not self._is_typed(request, str(row)):
            return NOT_TYPED
        try:
            with self.shared_deadline():
                return self._show_outcomes(request, [(row, self._delete_if_there(request, row, token))])
        except PlanUsed:
            return PLAN_USED
        except PlanOutdated:
            return PLAN_CHANGED

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
        chosen = set(request.POST.getlist(ACTION_CHECKBOX_NAME))
        # All rows of a list are more than the boxes of its page. Some of the boxes may be of rows that are gone.
        asked = phrase.phrase_for(max(len(chosen), len(rows)), str(self.opts.verbose_name))
        if not self._is_typed(request, asked):
            messages.warning(request, NOT_TYPED)
            return self._confirmation_page(request, rows, bulk=True)
        if gone := len(chosen - {str(row.pk) for row in rows}):
            messages.warning(request, f"{plural(gone, str(self.opts.verbose_name))} had already been deleted.")
        with self.shared_deadline():
            return self._show_outcomes(request, self.delete_rows(request, rows))

    def _is_typed(self, request: HttpRequest, asked: str) -> bool:
        return not self.asks_to_type or phrase.is_typed(request.POST.get(phrase.FIELD, ""), asked)

    def _confirmation_page(self, request: HttpRequest, rows: Sequence[Row], *, bulk: bool = False) -> HttpResponse:
        plan = self.plan_of(rows[0]) if self.plan_of and not bulk else None
        lines = {} if plan else self.consequences(rows)
        name = str(self.opts.verbose_name)
        what = plural(len(rows), name) if bulk else str(rows[0])
        begun = plan is not None and plan.begun
        asked = phrase.phrase_for(len(rows), name) if bulk else str(rows[0])
        days = 0 if begun else self.grace_days()
        context = {
            **self.admin_site.each_context(request),
            "title": f"{self.verb} {what}?",
            "verb": self.verb,
            "opts": self.opts,
            "list_title": getattr(self, "list_title", "") or capfirst(str(self.opts.verbose_name_plural)),
            "items": [(row, lines.get(row.pk, [])) for row in rows],
            "plan": plan,
            "parts": plan.parts() if plan else [] if bulk else [Part("", lines[rows[0].pk])],
            "headline": plan.headline() if plan else self.totals(rows),
            "titles": self.consequence_titles,
            "undoing": self.undoing or (f"This can be undone for {plural(days, 'day')}." if days else FOR_GOOD),
            "afterwards": self.afterwards,
            "doubts": [*(plan.doubts() if plan else []), *self.further_doubts()],
            "bulk": bulk,
            "phrase": asked if self.asks_to_type and not begun else "",
            "phrase_field": phrase.FIELD,
            "has_plans": self.plan_of is not None,
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return self.render_delete_form(request, context)

    def _show_outcomes(self, request: HttpRequest, deletions: Iterable[tuple[Row, Deleted | None]]) -> HttpResponse:
        """Add history entries, and go to the page with the results, or show one message for all rows with the same outcome."""
        outcomes: dict[Deleted | None, list[str]] = defaultdict(list)
        for row, deleted in deletions:
            outcomes[deleted].append(str(row))
            if deleted is not None:
                self.log_deletions(request, [row])  # type: ignore[arg-type]
        results = self.results_url(request, [deleted for deleted in outcomes if deleted is not None])
        # The page capitalises the first letter of a message, which must not be a name's.
        for deleted, names in outcomes.items():
            if deleted is None:
                messages.warning(request, f"Already deleted: {listed(names)}.")
            elif not results:
                level = messages.WARNING if deleted.warning else messages.SUCCESS
                sentences = filter(None, [f"{self.outcome}: {listed(names)}.", deleted.done, deleted.warning])
                messages.add_message(request, level, format_html_join(" ", "{}", ((text,) for text in sentences)))
        return HttpResponseRedirect(results or list_url(self, request))
