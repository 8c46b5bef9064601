"""Drift: what the last comparison with SES has found, in groups, and what can be done about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from backoffice.text import plural
from desk.pages.retry import summary
from desk.state.read import read_state
from desk.state.values import Difference, LastSweep
from ses_integration.admin.actions import update
from ses_integration.api import SesError, SesSweeper, shared_deadline

MAY_ACT = "ses_integration.change_domainsync"


@dataclass(frozen=True, slots=True)
class Group:
    """Differences of one sort with one reason. `lines`: as `ses_reconcile` prints them."""

    sort: str
    why: str
    is_problem: bool
    since: datetime | None
    lines: Sequence[str]


def page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _act(site, request)
    sweep = read_state().sweep
    listed = sweep.listed if sweep else ()
    context = {
        **site.each_context(request),
        "title": "Drift",
        "sweep": sweep,
        "groups": groups(one for one in listed if one.is_problem),
        "others": groups(one for one in listed if not one.is_problem),
        "left_out": sweep.differences - sum(one.is_problem for one in listed) if sweep else 0,
        "repairable": len(repairable(sweep)),
        "may_act": request.user.has_perm(MAY_ACT),
    }
    return TemplateResponse(request, "admin/desk/drift.html", context)


def groups(differences: Iterable[Difference]) -> list[Group]:
    """What needs somebody first, then the largest."""
    found: dict[tuple[str, str], list[Difference]] = defaultdict(list)
    for one in differences:
        found[one.sort, one.why].append(one)
    made = [
        Group(
            sort,
            why,
            is_problem=some[0].is_problem,
            since=min((one.since for one in some if one.since), default=None),
            lines=[one.text for one in some],
        )
        for (sort, why), some in found.items()
    ]
    lasting = {key for key, some in found.items() if any(one.lasts for one in some)}
    return sorted(made, key=lambda group: ((group.sort, group.why) not in lasting, -len(group.lines)))


def repairable(sweep: LastSweep | None) -> dict[str, list[str]]:
    """What the worker would put right, by domain: the lines of the plan."""
    plan: dict[str, list[str]] = defaultdict(list)
    for one in sweep.listed if sweep else ():
        if one.is_problem and not one.lasts and one.domain:
            plan[one.domain].append(one.text)
    return dict(plan)


def _act(site: AdminSite, request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm(MAY_ACT):
        raise PermissionDenied
    if "look" in request.POST:
        _look(request)
        return HttpResponseRedirect(request.path)
    plan = repairable(read_state().sweep)
    confirmed = set(request.POST.getlist("domain")) if "confirmed" in request.POST else set()
    # A domain that was not on the confirmation page is not touched.
    if domains := sorted(confirmed & plan.keys()):
        behind = update(domains)
        messages.info(request, summary(len(domains), [state.reason for state in behind]))
        _look(request)
        return HttpResponseRedirect(request.path)
    if not plan:
        messages.info(request, "Nothing of ours has to be put right.")
        return HttpResponseRedirect(request.path)
    context = {**site.each_context(request), "title": f"Put {plural(len(plan), 'domain')} right?", "plan": plan}
    return TemplateResponse(request, "admin/desk/put_right.html", context)


def _look(request: HttpRequest) -> None:
    try:
        with shared_deadline():
            SesSweeper(0.0).run(at_once=True)
    except SesError as error:
        messages.error(request, f"SES could not be compared. {error.sentence}")
    else:
        messages.success(request, "Compared with SES just now.")
