"""Drift: what the last comparison with SES has found, in groups, and what can be done about it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from backoffice.deletion.phrase import FIELD, is_typed
from backoffice.text import plural
from desk.pages.retry import summary
from desk.state.drift import OUT_OF_ORDER
from desk.state.read import read_state
from desk.state.values import IDENTITIES, RULES, Difference, LastSweep, Quota, State
from ses_integration.admin.actions import move_to_front, update
from ses_integration.api import SesError, SesSweeper, shared_deadline
from ses_integration.cli.base import Removal

# Of ours, and not wanted any more; in the JSON of `ses_reconcile`.
EXTRA = "extra"
THINGS = {"rule": RULES, "identity": IDENTITIES}
# What a comparison says is not applied later than this: rows and SES have changed since.
RECENT = timedelta(minutes=5)
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
        "left_out": left_out(sweep) if sweep else 0,
        "repairable": len(repairable(listed)),
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


def repairable(listed: Iterable[Difference]) -> dict[str, list[Difference]]:
    """What `ses_reconcile --apply` would put right, by domain."""
    plan: dict[str, list[Difference]] = defaultdict(list)
    for one in listed:
        if one.is_problem and one.domain and (one.sort == OUT_OF_ORDER or not one.lasts):
            plan[one.domain].append(one)
    return dict(plan)


def large_removals(plan: Iterable[Difference], quotas: Iterable[Quota]) -> str:
    """What of ours the plan removes, if it is so much that the commands want --force: `3 of 5 rules`. Else empty."""
    numbers = Counter(THINGS[one.kind] for one in plan if one.sort == EXTRA)
    removals = [Removal(quota.name, numbers[quota.name], quota.used - quota.foreign) for quota in quotas]
    large = [f"{one.number} of {one.total} {one.things}" for one in removals if one.number and one.is_large]
    return " and ".join(large)


def _act(site: AdminSite, request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm(MAY_ACT):
        raise PermissionDenied
    if "look" in request.POST:
        _look(request)
        return HttpResponseRedirect(request.path)
    state = read_state()
    plan = repairable(state.sweep.listed if state.sweep else ())
    if not plan:
        messages.info(request, "Nothing of ours has to be put right.")
        return HttpResponseRedirect(request.path)
    if why := too_little_known(state):
        messages.error(request, f"{why} Nothing was changed.")
        return HttpResponseRedirect(request.path)
    # A domain that was not on the confirmation page is not touched.
    named = request.POST.getlist("domain") if "confirmed" in request.POST else []
    confirmed = {domain: plan[domain] for domain in named if domain in plan}
    chosen = confirmed or plan
    removed = large_removals(chain.from_iterable(chosen.values()), state.quotas)
    phrase = f"remove {removed}" if removed else ""
    typed = request.POST.get(FIELD, "")
    if confirmed and (not phrase or is_typed(typed, phrase)):
        _put_right(request, confirmed)
        return HttpResponseRedirect(request.path)
    context = {
        **site.each_context(request),
        "title": f"Put {plural(len(chosen), 'domain')} right?",
        "plan": {domain: [one.text for one in some] for domain, some in chosen.items()},
        "removed": removed,
        "phrase": phrase,
        "field": FIELD,
        "mistyped": bool(typed),
    }
    return TemplateResponse(request, "admin/desk/put_right.html", context)


def too_little_known(state: State) -> str:
    """Why the last comparison does not tell what putting right would remove; empty if it does."""
    sweep = state.sweep
    if sweep is None or sweep.ended_at is None or sweep.ended_at < state.at - RECENT:
        return "SES was compared too long ago: look now first."
    if left_out(sweep):
        return "There are more differences than this page lists: run `ses_reconcile --apply`."
    return ""


def left_out(sweep: LastSweep) -> int:
    """How many differences are counted and not listed."""
    return sweep.differences - sum(one.is_problem for one in sweep.listed)


def _put_right(request: HttpRequest, chosen: dict[str, list[Difference]]) -> None:
    """All of it within the time of one request."""
    with shared_deadline():
        behind = update(sorted(chosen))
        # As ses_reconcile does: rules that are missing are created first.
        names = [one.name for some in chosen.values() for one in some if one.sort == OUT_OF_ORDER]
        messages.info(request, summary(len(chosen), [state.reason for state in behind]))
        if names and (why := move_to_front(names)):
            messages.warning(request, f"Not all rules are in front yet. {why} Put right again what is left.")
        _look(request)


def _look(request: HttpRequest) -> None:
    try:
        with shared_deadline():
            SesSweeper(0.0).run(at_once=True)
    except SesError as error:
        messages.error(request, f"SES could not be compared. {error.sentence}")
    else:
        messages.success(request, "Compared with SES just now.")
