"""Links between admin pages, and their addresses. Models are named by text (`domains.domain`): they are defined above this app."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import quote, unquote
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

# Shown for an empty value, where Django would show None.
NOTHING = SafeString("-")


def page_link(model: str, pk: object, text: object) -> SafeString:
    """Link to the page of one row. Costs no statement, and does not check that the row exists."""
    url = reverse(f"admin:{model.replace('.', '_')}_change", args=[quote(str(pk))])
    return format_html('<a href="{}">{}</a>', url, text)


def list_link(model: str, text: object, **lookups: object) -> SafeString:
    """Link to the list of a model's rows, filtered by `lookups`."""
    url = reverse(f"admin:{model.replace('.', '_')}_changelist")
    return format_html('<a href="{}?{}">{}</a>', url, urlencode(lookups), text)


def registered(site: admin.AdminSite, model: str) -> admin.ModelAdmin[Any] | None:
    """The admin of a model that is named by text; None if there is none."""
    app, _, name = model.partition(".")
    return site._registry.get(apps.all_models[app].get(name))  # type: ignore[arg-type]


def joined(parts: Iterable[SafeString], separator: str = " · ") -> SafeString:
    return format_html_join(SafeString(separator), "{}", ((part,) for part in parts))


def related_link(field: str, description: str = "") -> Any:
    """A column or field of an admin that links a related row, ordered by a field of it, such as `domain__owner__username`."""
    path, _, _ = field.rpartition("__")
    related = attrgetter(path.replace("__", "."))

    @admin.display(description=description or path.rpartition("__")[2].replace("_", " "), ordering=field)
    def link(row: Model) -> SafeString:
        target = related(row)
        return NOTHING if target is None else page_link(target._meta.label_lower, target.pk, target)

    return staticmethod(link)


def rows_of_domain(name: str) -> SafeString:
    """Links from a row that knows only a domain's name to the domain, and to the deletions of that name."""
    return joined(
        [
            list_link("domains.domain", "domain", name=name),
            list_link("domains.domaindeletion", "deletions", name=name),
        ]
    )


def list_url(model_admin: admin.ModelAdmin[Any], request: HttpRequest) -> str:
    """The list that the user came from, with its filters; the admin's index if the user may not see the list."""
    site, opts = model_admin.admin_site.name, model_admin.opts
    if not model_admin.has_view_or_change_permission(request):
        return reverse("admin:index", current_app=site)
    url = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist", current_app=site)
    filters = model_admin.get_preserved_filters(request)
    return str(add_preserved_filters({"preserved_filters": filters, "opts": opts}, url))


def page_url(model_admin: admin.ModelAdmin[Any], row: Model) -> str:
    """The page of this row."""
    opts = model_admin.opts
    view = f"admin:{opts.app_label}_{opts.model_name}_change"
    return reverse(view, args=[quote(str(row.pk))], current_app=model_admin.admin_site.name)


class ShowsChanges:
    """Mixin for a ModelAdmin: the history of a row is what the audit log has of it.

    The template `change_form_object_tools.html` calls the link "Changes".
    """

    # An attribute of the row by whose value its changes are found: also those of what has or had the same name.
    changes_by_name: ClassVar[str] = ""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        django: Any = self
        pk = unquote(object_id)
        row = django.get_object(request, pk) if self.changes_by_name else None
        wanted = (
            {"object_name": getattr(row, self.changes_by_name)}
            if row is not None
            else {"object_type": django.opts.label_lower, "object_id": pk}
        )
        # The log is an app above this one.
        return HttpResponseRedirect(f"{reverse('admin:audit_change_changelist')}?{urlencode(wanted)}")
