"""Groups in the admin. The ready ones are shown and cannot be changed."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group, Permission
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest

from backoffice.links import ShowsChanges
from backoffice.lists import ChecksLookups, SearchesNames
from inbound.people.groups import is_ready

admin.site.unregister(Group)


@admin.register(Group)
class CheckedGroupAdmin(ShowsChanges, SearchesNames, ChecksLookups, GroupAdmin):
    """Django's, with a list like all others."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        """With what a permission is shown with. Otherwise the page of a group has a statement for each."""
        shown = Prefetch("permissions", Permission.objects.select_related("content_type"))
        return super().get_queryset(request).prefetch_related(shown)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return not (obj and is_ready(obj.name)) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return not (obj and is_ready(obj.name)) and super().has_delete_permission(request, obj)
