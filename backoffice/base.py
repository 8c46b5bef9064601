"""Base classes of all admin pages: typed versions of Django's, and read-only ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from backoffice.links import ShowsChanges
from backoffice.lists import ChecksLookups, SearchesNames

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin, TabularInline
    from django.forms import ModelForm
else:
    # Django's classes take type parameters only in its stubs.
    class ModelAdmin(ShowsChanges, SearchesNames, ChecksLookups, admin.ModelAdmin):
        # What an empty list says: why it is empty, and what to do next.
        when_empty = ""
        # Counting the rows of each choice of each filter takes too long in large lists.
        show_facets = admin.ShowFacets.NEVER

        def __class_getitem__(cls, _):
            return cls

    class TabularInline(admin.TabularInline):
        def __class_getitem__(cls, _):
            return cls

    class ModelForm(forms.ModelForm):
        def __class_getitem__(cls, _):
            return cls


__all__ = ["ModelAdmin", "ModelForm", "ReadOnlyAdmin", "ReadOnlyInline", "TabularInline"]

Row = TypeVar("Row", bound=Model)
Parent = TypeVar("Parent", bound=Model)


class ReadOnlyAdmin(ModelAdmin[Row]):
    """For rows that only services write. Permission to change the model grants viewing and the actions, not editing."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False


class ReadOnlyInline(TabularInline[Row, Parent]):
    """Rows shown as a part of their parent, to everybody who may view the parent."""

    extra = 0
    can_delete = False

    class Media:
        css = {"all": ["backoffice/inlines.css"]}

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any) -> bool:  # type: ignore[override]
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
