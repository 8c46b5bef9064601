"""The home page: a sentence, five tiles, what needs somebody, what goes on, and the last day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse

from backoffice.menu import Entry, links
from backoffice.text import plural
from desk.pages.rows import rows
from desk.pages.tiles import tiles
from desk.state import wording
from desk.state.read import read_state
from desk.state.values import Finding, LastDay, Level, State

# The work list has all of them.
SHOWN = 10
DAY = {
    "domains_added": ("domain", "added"),
    "domains_deleted": ("domain", "deleted"),
    "deletions_proved": ("deletion", "proved"),
    "addresses_added": ("address", "added"),
    "addresses_deleted": ("address", "deleted"),
    "keys_revoked": ("API key", "revoked"),
}


def page(site: AdminSite, request: HttpRequest) -> TemplateResponse:
    context = {**site.each_context(request), "title": None}
    if not request.user.has_perm("ses_integration.view_domainsync"):
        return TemplateResponse(request, "admin/desk/home.html", context)
    state = read_state()
    urgent = state.of(Level.NEEDS_YOU)[:SHOWN]
    pending = [*state.of(Level.UNCONFIRMED), *state.of(Level.PENDING)][:SHOWN]
    opened = [(tile, links(site, request, [Entry(tile.title, tile.to)])) for tile in tiles(state)]
    context |= {
        "state": state,
        "headline": wording.headline(state),
        "css": "bad" if state.needs_you else "good" if state.is_settled else "warn",
        "tiles": [(tile, found[0].url if found else "") for tile, found in opened],
        "needs_you": rows(site, request, urgent),
        "more_need_you": more(state, [Level.NEEDS_YOU], urgent),
        "stuck": rows(site, request, [one for one in pending if one.kind not in state.goes_on]),
        "goes_on": rows(site, request, [one for one in pending if one.kind in state.goes_on]),
        "more_wait": more(state, [Level.UNCONFIRMED, Level.PENDING], pending),
        "last_day": list(last_day(state.last_day)),
        "changes": links(site, request, [Entry("All changes", "audit.change")]),
    }
    return TemplateResponse(request, "admin/desk/home.html", context)


def more(state: State, levels: Iterable[Level], shown: Iterable[Finding]) -> int:
    """How many things of these levels the findings shown do not stand for."""
    return sum(state.number(level) for level in levels) - sum(one.number for one in shown)


def last_day(day: LastDay) -> Iterator[str]:
    for name, (noun, verb) in DAY.items():
        if number := getattr(day, name):
            yield f"{plural(number, noun)} {verb}"
