"""The admin site with the desk: its home page, and the pages that belong to no model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, URLResolver, path, reverse

from backoffice.site import Site
from desk.pages import home, internals, work
from desk.pages.rows import badges
from desk.state.read import read_state

# Who may see marks may see the state, which is computed from them and the like.
MAY_SEE = "ses_integration.view_domainsync"
Page = Callable[[AdminSite, HttpRequest], HttpResponse]


class DeskSite(Site):
    """`admin.site`."""

    def get_urls(self) -> list[URLResolver | URLPattern]:
        pages: dict[str, Page] = {"work": work.page, "badges": badges_page}
        own: list[URLResolver | URLPattern] = [
            path("internals/", self.admin_view(lambda request: internals.page(self, request)), name="internals"),
            *(path(f"{name}/", self.admin_view(self._for_viewers(page)), name=name) for name, page in pages.items()),
        ]
        return own + super().get_urls()

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return home.page(self, request)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        if context["has_permission"] and request.user.has_perm(MAY_SEE):
            context["badges_url"] = reverse(f"{self.name}:badges")
        return context

    def _for_viewers(self, page: Page) -> Callable[[HttpRequest], HttpResponse]:
        def view(request: HttpRequest) -> HttpResponse:
            if not request.user.has_perm(MAY_SEE):
                raise PermissionDenied
            return page(self, request)

        return view


def badges_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """The numbers of the menu. The browser asks for them, so that no other page has to read the state."""
    return JsonResponse({"badges": badges(read_state())}, headers={"Cache-Control": "no-store"})
