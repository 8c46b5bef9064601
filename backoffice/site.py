"""The admin site: its name, its menu, and the line that says where one is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone

from backoffice.menu import Entry, links

MENU = [
    Entry("Desk", "index", badge="desk"),
    Entry("Work", "work", "ses_integration.view_domainsync", badge="work"),
    Entry("Mail", "mail.receivedemail"),
    Entry("Deliveries", "mail.delivery", badge="deliveries"),
    Entry("Domains", "domains.domain", badge="domains"),
    Entry("Addresses", "addresses.emailaddress"),
    Entry("Deleted addresses", "addresses.deletedaddress"),
    Entry("Blocked", "addresses.blockedemail"),
    Entry("Endpoints", "endpoints.endpoint", badge="endpoints"),
    Entry("Deletions", "domains.domaindeletion", badge="deletions"),
    Entry("Exports", "archives.export", badge="exports"),
    Entry("Imports", "archives.import", badge="imports"),
    Entry("Drift", "drift", "ses_integration.view_domainsync", badge="drift"),
    Entry("Capacity", "capacity", "ses_integration.view_domainsync", badge="capacity"),
    Entry("Changes", "audit.change"),
    Entry("API keys", "inbound.apikey"),
    Entry("Users", "auth.user"),
    Entry("Under the hood", "internals"),
]


NAMES = {"site_header": "inbound", "site_title": "inbound"}

View = Callable[[HttpRequest], HttpResponse]
Page = Callable[[AdminSite, HttpRequest], HttpResponse]


@dataclass(frozen=True, slots=True)
class Place:
    """Where this installation writes to. `stage`: `PRODUCTION`, or which emulator answers instead of AWS."""

    region: str
    rule_set: str
    account: str
    stage: str
    is_production: bool


def place() -> Place:
    """From the settings alone: the header of a page costs no statement."""
    emulator = urlsplit(settings.AWS_ENDPOINT_URL_SES or settings.AWS_ENDPOINT_URL).netloc
    stage = f"EMULATOR {emulator}" if emulator else "DEBUG" if settings.DEBUG else "PRODUCTION"
    return Place(
        region=settings.AWS_REGION or "no region",
        rule_set=settings.SES_RULE_SET,
        account=settings.AWS_ACCOUNT_ID,
        stage=stage,
        is_production=stage == "PRODUCTION",
    )


def error_page(status: int, title: str, sentence: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """A page of the site that says what went wrong and what to do next. Costs no statement: the database may be away.

    It has no header with the account, because people see it who have not signed in.
    """
    context = {"title": title, "sentence": sentence, **NAMES}
    return HttpResponse(render_to_string("admin/backoffice/error.html", context), status=status, headers=headers)


class Site(AdminSite):
    """Django's site with our menu, and with pages that belong to no model, which the apps above add."""

    site_header, site_title = NAMES["site_header"], NAMES["site_title"]
    index_title = "Desk"
    # "View site" would lead to a 404 of the API.
    site_url = None
    # The menu takes its place.
    enable_nav_sidebar = False
    menu: Sequence[Entry] = MENU

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self._pages: dict[str, View] = {}
        self._required: dict[str, str] = {}

    def add_page(self, name: str, page: Page, permission: str = "") -> None:
        """Show `page` at `/admin/NAME/` to whom has the permission, under the URL name `admin:NAME`. `index` is the home page."""

        def view(request: HttpRequest) -> HttpResponse:
            if permission and not request.user.has_perm(permission):
                raise PermissionDenied
            return page(self, request)

        self._pages[name] = view
        self._required[name] = permission

    def get_urls(self) -> list[URLResolver | URLPattern]:
        own = [
            path(f"{name}/", self.admin_view(view), name=name) for name, view in self._pages.items() if name != "index"
        ]
        return [*own, *super().get_urls()]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return self._pages["index"](request)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        if context["has_permission"]:
            context |= {"menu": links(self, request, self.menu), "place": place(), "now": timezone.now()}
            if "badges" in self._pages and request.user.has_perm(self._required["badges"]):
                context["badges_url"] = reverse(f"{self.name}:badges")
        return context
