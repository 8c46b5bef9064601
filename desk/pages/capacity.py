"""Capacity: how full SES's quotas are, who fills them, and when they would be full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse

from backoffice.links import list_link, page_link
from backoffice.tables import html_table
from backoffice.text import plural
from desk import samples
from desk.models import CapacitySample
from desk.pages.tiles import NEARLY_FULL
from desk.state import wording
from desk.state.read import read_state
from desk.state.values import Quota
from domains.models import Domain

LARGEST = 10
# The size of the picture of a trend, in its own units.
WIDTH, HEIGHT = 1000, 100


@dataclass(frozen=True, slots=True)
class Meter:
    """`points`: a line through the samples as SVG has it, from `first` to `last` and from 0 to `top`. Empty if too few."""

    quota: Quota
    text: str
    ours: float
    foreign: float
    css: str
    points: str = ""
    top: str = ""
    first: date | None = None
    last: date | None = None
    forecast: str = ""


def page(site: AdminSite, request: HttpRequest) -> TemplateResponse:
    state = read_state()
    kept = samples.recent(state.region, state.rule_set, state.at.date())
    rows = Domain.objects.live().filter(address_count__gt=0).order_by("-address_count", "name")[:LARGEST]
    largest = [(page_link("domains.domain", row.pk, row.name), f"{row.address_count:,}") for row in rows]
    context = {
        **site.each_context(request),
        "title": "Capacity",
        "meters": [meter(quota, kept) for quota in state.quotas],
        "days": len(kept),
        "learned": list_link("ses_integration.rulesetstate", "Take it back")
        if request.user.has_perm("ses_integration.change_rulesetstate")
        else "",
        "largest": html_table(["Domain", "Addresses"], largest) if largest else "",
    }
    return TemplateResponse(request, "admin/desk/capacity.html", context)


def meter(quota: Quota, kept: Sequence[CapacitySample]) -> Meter:
    limit = max(1, quota.limit)
    days, used = [one.day for one in kept], [getattr(one, quota.name, None) for one in kept]
    values = [value for value in used if value is not None]
    left = samples.days_until_full(days, values, quota.limit) if len(values) == len(days) else None
    return Meter(
        quota,
        text=wording.quota(quota),
        ours=min(100.0, 100 * (quota.used - quota.foreign) / limit),
        foreign=min(100.0, 100 * quota.foreign / limit),
        css="bad" if quota.used >= NEARLY_FULL * limit else "",
        points=_line(values, limit) if len(values) >= samples.FEWEST else "",
        top=f"{quota.limit:,}",
        first=days[0] if days else None,
        last=days[-1] if days else None,
        forecast=""
        if left is None
        else f"At this rate it is full in {plural(left, 'day') if left else 'less than a day'}.",
    )


def _line(values: Sequence[int], limit: int) -> str:
    """From the first day to the last, and from nothing at the bottom to the limit at the top."""
    step = WIDTH / (len(values) - 1)
    return " ".join(
        f"{i * step:.0f},{HEIGHT - HEIGHT * min(value, limit) / limit:.1f}" for i, value in enumerate(values)
    )
