"""Users in the admin. Where Django's admin would delete them, this one deactivates them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect

from backoffice.links import ShowsChanges, list_url
from backoffice.lists import ChecksLookups, SearchesNames
from backoffice.text import listed, plural
from inbound.people import users

admin.site.unregister(User)

MOST_AT_ONCE = 200
NOT_YOURS = "You may deactivate only users who may do nothing that you may not."


@admin.register(User)
class DeactivatedUserAdmin(ShowsChanges, SearchesNames, ChecksLookups, UserAdmin):  # type: ignore[type-arg]
    """Django's, with a list like all others, and a page that deactivates in place of the one that deletes."""

    actions = ["deactivate"]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or users.may_change(cast(User, request.user), obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Whether the page of a user links to the one that deactivates."""
        return self.has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        # With these, people could give themselves any permission. The groups that they may give are in `formfield_for_manytomany`.
        given = () if cast(User, request.user).is_superuser else ("is_superuser", "user_permissions")
        return (*super().get_readonly_fields(request, obj), *given, "date_joined", "last_login")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "groups" and field is not None:
            field.queryset = users.groups_given_by(cast(User, request.user))
        return field

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        if obj is None or obj != request.user:
            return form

        class Own(form):  # type: ignore[misc]
            def clean(self) -> Any:
                values = super().clean()
                if not self.cleaned_data.get("is_active", True):
                    self.add_error("is_active", users.YOURSELF)
                return values

        return Own

    def get_actions(self, request: HttpRequest) -> Any:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    @method_decorator(csrf_protect)
    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        user = self.get_object(request, unquote(object_id))
        if user is None:
            messages.error(request, "There is no such user.")
            return HttpResponseRedirect(list_url(self, request))
        if not self.has_change_permission(request, user):
            raise PermissionDenied
        return self._page_or_result(request, [user]) or HttpResponseRedirect(list_url(self, request))

    @admin.action(permissions=["change"], description="Deactivate selected users")
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        chosen = list(queryset[: MOST_AT_ONCE + 1])
        if len(chosen) > MOST_AT_ONCE:
            messages.error(request, f"Deactivate at most {MOST_AT_ONCE} at once.")
            return None
        if not all(self.has_change_permission(request, user) for user in chosen):
            messages.error(request, NOT_YOURS)
            return None
        return self._page_or_result(request, chosen)

    def _page_or_result(self, request: HttpRequest, chosen: Sequence[User]) -> HttpResponse | None:
        """The page that asks; or None, when it has been answered and the outcome is in the messages."""
        if any(user.pk == request.user.pk for user in chosen):
            messages.error(request, users.YOURSELF)
            return None
        if request.method == "POST" and request.POST.get("post"):
            done = [user for user in chosen if users.deactivate(user)]
            LogEntry.objects.log_actions(cast(int, request.user.pk), done, CHANGE, "Deactivated.")
            names = listed([user.get_username() for user in done])
            messages.success(request, f"Deactivated {plural(len(done), 'user')}{f': {names}' if names else ''}.")
            return None
        lines = users.consequences(chosen)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Deactivate {plural(len(chosen), 'user') if len(chosen) != 1 else chosen[0]}?",
            "opts": self.opts,
            "items": [(user, lines[user.pk]) for user in chosen],
            "is_action": request.POST.get("action") == "deactivate",
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/inbound/deactivate.html", context)
