"""Grace periods in the admin: restore a deleted domain, or extend its period, or end it now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from backoffice.base import ModelAdmin
from backoffice.deletion import phrase
from backoffice.deletion.pages import MOST_AT_ONCE, NOT_TYPED
from backoffice.text import listed, moment, plural
from domains.deletion.record import warning
from domains.grace import end
from domains.grace.period import NotInGrace, TooLong
from domains.grace.restore import restore
from domains.models import DomainDeletion
from ses_integration.api import QuotaExceeded, shared_deadline

if TYPE_CHECKING:
    Base = ModelAdmin[DomainDeletion]
else:
    Base = object

EXTENSION_DAYS = 30


class ChangesGracePeriods(Base):
    """Actions of the list, and buttons of a report."""

    grace_actions = ("restore", "extend", "end_now")

    def grace_urls(self) -> list[URLPattern]:
        def page(name: str, view: Callable[..., HttpResponse]) -> URLPattern:
            view = self.admin_site.admin_view(view)
            found: URLPattern = path(f"<path:object_id>/{name}/", view, name=f"domains_domaindeletion_{name}")
            return found

        return [page("restore", self.restore_view), page("extend", self.extend_view), page("end", self.end_view)]

    def has_grace_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("domains.change_domaindeletion")

    def has_end_permission(self, request: HttpRequest) -> bool:
        """To end a period is to delete the domain."""
        return self.has_grace_permission(request) and request.user.has_perm("domains.delete_domain")

    @admin.action(description="Restore the domains", permissions=["grace"])
    def restore(self, request: HttpRequest, queryset: QuerySet[DomainDeletion]) -> None:
        self._restore(request, list(queryset[:MOST_AT_ONCE]))

    @admin.action(description=f"Extend the grace periods by {EXTENSION_DAYS} days", permissions=["grace"])
    def extend(self, request: HttpRequest, queryset: QuerySet[DomainDeletion]) -> None:
        self._extend(request, list(queryset[:MOST_AT_ONCE]))

    @admin.action(description="End the grace periods now: delete for good", permissions=["end"])
    def end_now(self, request: HttpRequest, queryset: QuerySet[DomainDeletion]) -> HttpResponse | None:
        return self._page_or_end(request, list(queryset[:MOST_AT_ONCE]))

    @method_decorator(require_POST)
    def restore_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._do(request, object_id, self._restore, allowed=self.has_grace_permission(request))

    @method_decorator(require_POST)
    def extend_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._do(request, object_id, self._extend, allowed=self.has_grace_permission(request))

    def end_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._do(request, object_id, self._page_or_end, allowed=self.has_end_permission(request))

    def _do(self, request: HttpRequest, object_id: str, what: Callable[..., Any], *, allowed: bool) -> HttpResponse:
        if not allowed:
            raise PermissionDenied
        report = self.get_object(request, unquote(object_id))
        if report is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        page: HttpResponse | None = what(request, [report])
        return page or HttpResponseRedirect(reverse("admin:domains_domaindeletion_change", args=[object_id]))

    def _restore(self, request: HttpRequest, reports: Sequence[DomainDeletion]) -> None:
        who, restored = cast(User, request.user).get_username(), []
        with shared_deadline():
            for report in reports:
                try:
                    done = restore(report, restored_by=who)
                except (NotInGrace, QuotaExceeded) as error:
                    messages.error(request, error.sentence)
                    continue
                restored.append(report.name)
                if done.warning:
                    messages.warning(request, f"Of {report.name}: {done.warning}")
        if restored:
            messages.success(request, f"Restored: {listed(restored)}.")

    def _extend(self, request: HttpRequest, reports: Sequence[DomainDeletion]) -> None:
        for report in reports:
            try:
                until = end.extend(report, days=EXTENSION_DAYS)
            except (NotInGrace, TooLong) as error:
                messages.error(request, error.sentence)
            else:
                messages.success(request, f"Extended: {report.name} can be restored until {moment(until)}.")

    def _end(self, request: HttpRequest, reports: Sequence[DomainDeletion]) -> None:
        ended = []
        for report in reports:
            try:
                ended.append(end.end_now(report))
            except NotInGrace as error:
                messages.error(request, error.sentence)
        if ended:
            messages.success(request, f"Ended: {plural(len(ended), 'grace period')}.")
        for report in ended:
            if text := warning(report):
                messages.warning(request, f"Of {report.name}: {text}")

    def _page_or_end(self, request: HttpRequest, reports: Sequence[DomainDeletion]) -> HttpResponse | None:
        """The page that asks; or None, when it has been answered and the outcome is in the messages."""
        chosen = [report for report in reports if report.in_grace]
        if not chosen:
            messages.info(request, "Nothing was done: no selected deletion is in its grace period.")
            return None
        asked = chosen[0].name if len(chosen) == 1 else phrase.phrase_for(len(chosen), "domain")
        answered = request.method == "POST" and request.POST.get("post")
        if answered and not phrase.is_typed(request.POST.get(phrase.FIELD, ""), asked):
            messages.warning(request, NOT_TYPED)
        elif answered:
            with shared_deadline():
                self._end(request, chosen)
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": "End the grace period now?" if len(chosen) == 1 else f"End {len(chosen)} grace periods now?",
            "opts": self.opts,
            "reports": [(report, moment(report.restorable_until)) for report in chosen if report.restorable_until],
            "phrase": asked,
            "phrase_field": phrase.FIELD,
            "is_action": request.POST.get("action") == "end_now",
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/domains/domaindeletion/end.html", context)
