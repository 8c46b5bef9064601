"""The numbers of the menu. The browser asks for them, so that no other page has to read the state."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.admin import AdminSite
from django.http import HttpRequest, JsonResponse

from desk.state.read import read_state
from desk.state.values import Kind, Level, State, Tally

DRIFTS = (Kind.FOREIGN_RULE, Kind.RULE_SET, Kind.DRIFT, Kind.SWEEP)
DOMAINS = (Kind.DOMAIN, Kind.SES_CHANGE, Kind.UNANSWERED_CALL)
DELETIONS = (Kind.DELETION, Kind.STORED_MAIL, Kind.PROOF)
DELIVERIES = (Kind.DELIVERY, Kind.EVENT)


def page(site: AdminSite, request: HttpRequest) -> JsonResponse:
    return JsonResponse({"badges": badges(read_state())}, headers={"Cache-Control": "no-store"})


def badges(state: State) -> dict[str, dict[str, object]]:
    """By the names in `backoffice.site.MENU`. Work that goes on by itself is not urgent."""
    number = {level: state.number(level) for level in Level}
    return {
        "deliveries": _badge(state, DELIVERIES),
        "domains": _badge(state, DOMAINS),
        "endpoints": _badge(state, [Kind.ENDPOINT]),
        "deletions": _badge(state, DELETIONS),
        "exports": _badge(state, [Kind.EXPORT]),
        "imports": _badge(state, [Kind.IMPORT]),
        "drift": _badge(state, DRIFTS),
        "capacity": _badge(state, [Kind.QUOTA]),
        "desk": _numbered(number[Level.NEEDS_YOU], is_urgent=True),
        "work": _numbered(sum(number.values()), is_urgent=bool(number[Level.NEEDS_YOU])),
    }


def _badge(state: State, kinds: Iterable[Kind]) -> dict[str, object]:
    kinds = set(kinds)
    urgent = any(one.level is Level.NEEDS_YOU for one in state.findings if one.kind in kinds)
    return _numbered(sum(state.by_kind.get(kind, Tally()).number for kind in kinds), is_urgent=urgent)


def _numbered(number: int, *, is_urgent: bool) -> dict[str, object]:
    return {"text": f"{number:,}" if number else "", "isUrgent": is_urgent}
