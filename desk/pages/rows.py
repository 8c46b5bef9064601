"""A finding as a row of a page: with a link, and times for people."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.admin import AdminSite
from django.contrib.admin.utils import quote
from django.http import HttpRequest
from django.urls import reverse

from backoffice.links import registered
from desk.pages.badges import DRIFTS
from desk.state.values import Finding, Kind, Level

# What a click can try again; the others have a page that says what to do.
TRIABLE = frozenset({Kind.SES_CHANGE, Kind.UNANSWERED_CALL, Kind.DELETION, Kind.STORED_MAIL})
# Filters of the lists that a finding of several rows is about.
LISTS = {"domains.domain": "receiving=no", "mail.delivery": "state=dead", "mail.eventnotice": "state=given_up"}
CSS = {Level.NEEDS_YOU: "bad", Level.UNCONFIRMED: "warn", Level.PENDING: "plain"}


@dataclass(frozen=True, slots=True)
class Row:
    """`url`: the page about it, if this user may open it. `key` names the finding in a form until the next page."""

    finding: Finding
    url: str
    css: str

    @property
    def key(self) -> str:
        return key_of(self.finding)

    @property
    def is_triable(self) -> bool:
        return self.finding.kind in TRIABLE


def key_of(finding: Finding) -> str:
    return "|".join([finding.kind.value, finding.domain or finding.subject, finding.page[1] if finding.page else ""])


def rows(site: AdminSite, request: HttpRequest, findings: list[Finding]) -> list[Row]:
    return [Row(finding, url_of(site, request, finding), CSS[finding.level]) for finding in findings]


def url_of(site: AdminSite, request: HttpRequest, finding: Finding) -> str:
    if finding.page is None:
        return reverse(f"{site.name}:drift") if finding.kind in DRIFTS else ""
    model, pk = finding.page
    admin = registered(site, model)
    if admin is None or not admin.has_view_or_change_permission(request):
        return ""
    name = f"{site.name}:{model.replace('.', '_')}"
    if not pk:
        return f"{reverse(f'{name}_changelist')}?{LISTS[model]}"
    return reverse(f"{name}_change", args=[quote(pk)])
