"""Addresses of pages of an admin: where to go when a view has finished."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse


def list_url(model_admin: ModelAdmin[Any], request: HttpRequest) -> str:
    """The list that the user came from, with its filters; the admin's index if the user may not see the list."""
    site, opts = model_admin.admin_site.name, model_admin.opts
    if not model_admin.has_view_or_change_permission(request):
        return reverse("admin:index", current_app=site)
    url = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist", current_app=site)
    filters = model_admin.get_preserved_filters(request)
    return str(add_preserved_filters({"preserved_filters": filters, "opts": opts}, url))


def page_url(model_admin: ModelAdmin[Any], row: Model) -> str:
    """The page of this row."""
    opts = model_admin.opts
    view = f"admin:{opts.app_label}_{opts.model_name}_change"
    return reverse(view, args=[quote(str(row.pk))], current_app=model_admin.admin_site.name)
