"""The work list: everything that waits, is unconfirmed or needs somebody, in one table."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from backoffice.text import moment
from desk.pages.retry import may_try, try_now
from desk.pages.rows import key_of, rows
from desk.state import wording
from desk.state.read import read_state
from desk.state.values import Finding, Kind, Level, State
from rest.names.canonical import canonical_part

AGES = {"15": "15 minutes", "60": "1 hour", "1440": "1 day"}
COLUMNS = ["level", "kind", "subject", "what", "why", "act", "tries", "since", "nextTry"]
# A spreadsheet would take a cell that begins like this for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Narrow(forms.Form):
    """What the address of the page may ask for. Anything else is refused, because it would show everything."""

    level = forms.ChoiceField(required=False, choices=[(level.wire, level.label) for level in Level])
    kind = forms.ChoiceField(
        required=False,
        choices=[("", "anything"), *((kind.value, kind.value.replace("_", " ")) for kind in Kind)],
        label="About",
    )
    older = forms.ChoiceField(required=False, choices=[("", "any age"), *AGES.items()], label="Older than")
    q = forms.CharField(required=False, max_length=253, label="Search", widget=forms.TextInput({"type": "search"}))

    def shown(self, state: State) -> list[Finding]:
        values = self.cleaned_data
        return [one for one in state.findings if _fits(one, state, **values)]

    def at_level(self, level: str) -> str:
        """The query of the same page with another level."""
        values = {name: value for name, value in self.cleaned_data.items() if value and name != "level"}
        return "?" + urlencode(values | ({"level": level} if level else {}))


def _fits(one: Finding, state: State, *, level: str, kind: str, older: str, q: str) -> bool:
    words = [canonical_part(q) or q.lower(), q.lower()] if q else [""]
    text = f"{one.subject} {one.domain} {one.what} {one.why}".lower()
    return (
        level in ("", one.level.wire)
        and kind in ("", one.kind.value)
        and (not older or (one.since is not None and state.at - one.since >= timedelta(minutes=int(older))))
        and any(word in text for word in words)
    )


def page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    form = Narrow(request.GET)
    if not form.is_valid():
        messages.warning(request, "The list was not narrowed: there is no such choice.")
        return HttpResponseRedirect(request.path)
    state = read_state()
    if request.method == "POST":
        chosen = set(request.POST.getlist("chosen"))
        messages.info(request, try_now(request, [one for one in state.findings if key_of(one) in chosen]))
        return HttpResponseRedirect(request.get_full_path())
    shown = form.shown(state)
    if "export" in request.GET:
        return _csv(shown)
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": "Work",
        "form": form,
        "level": form.cleaned_data["level"],
        "chips": [("", "All", sum(state.number(level) for level in Level), form.at_level(""))]
        + [(level.wire, level.label, state.number(level), form.at_level(level.wire)) for level in Level],
        "rows": rows(site, request, shown),
        "is_narrowed": any(form.cleaned_data.values()),
        "left_out": state.left_out,
        "may_try": may_try(request),
        "export": f"?{urlencode({**form.cleaned_data, 'export': 'csv'})}",
        "headline": wording.headline(state),
    }
    return TemplateResponse(request, "admin/desk/work.html", context)


def _csv(findings: Sequence[Finding]) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="work.csv"'
    response["Cache-Control"] = "no-store"
    lines = csv.writer(response)
    lines.writerow(COLUMNS)
    lines.writerows(_cells(one) for one in findings)
    return response


def _cells(one: Finding) -> Iterable[str]:
    times = [moment(at) if at else "" for at in (one.since, one.next_try)]
    cells = [one.level.label, one.kind.value, one.subject, one.what, one.why, one.act, str(one.tries), *times]
    return [f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells]
