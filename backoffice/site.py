"""The admin site: its name, its menu, and the line that says where one is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils import timezone

from backoffice.menu import Entry, links

MENU = [
    Entry("Desk", "index", badge="desk"),
    Entry("Work", "work", "ses_integration.view_domainsync", badge="work"),
    Entry("Mail", "mail.receivedemail"),
    Entry("Deliveries", "mail.delivery", badge="delivery"),
    Entry("Domains", "domains.domain", badge="ses_change"),
    Entry("Addresses", "addresses.emailaddress"),
    Entry("Blocked", "addresses.blockedemail"),
    Entry("Endpoints", "endpoints.endpoint", badge="endpoint"),
    Entry("Deletions", "domains.domaindeletion", badge="deletion"),
    Entry("Drift", "drift", "ses_integration.view_domainsync", badge="drift"),
    Entry("Capacity", "capacity", "ses_integration.view_domainsync", badge="quota"),
    Entry("Changes", "audit.change"),
    Entry("API keys", "inbound.apikey"),
    Entry("Users", "auth.user"),
    Entry("Under the hood", "internals", badge="worker"),
]


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


class Site(AdminSite):
    """Django's site with our menu. Its pages come from the apps above; `desk` completes it."""

    site_header = "inbound"
    site_title = "inbound"
    index_title = "Desk"
    # "View site" would lead to a 404 of the API.
    site_url = None
    # The menu takes its place.
    enable_nav_sidebar = False
    menu: Sequence[Entry] = MENU

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        if context["has_permission"]:
            context |= {"menu": links(self, request, self.menu), "place": place(), "now": timezone.now()}
        return context
