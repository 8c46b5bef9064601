"""The admin site with the desk: its home page, and the pages that belong to no model."""

from __future__ import annotations

from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path

from backoffice.site import Site
from desk.pages import internals


class DeskSite(Site):
    """`admin.site`."""

    def get_urls(self) -> list[URLResolver | URLPattern]:
        own: list[URLResolver | URLPattern] = [
            path("internals/", self.admin_view(self.internals), name="internals"),
        ]
        return own + super().get_urls()

    def internals(self, request: HttpRequest) -> TemplateResponse:
        return internals.page(self, request)
