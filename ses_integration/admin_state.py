"""How far SES is behind the rows, for people: a column on lists of domains and of what belongs to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Max, Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ses_integration.admin_base import ModelAdmin
from ses_integration.config import ses_config
from ses_integration.models import DomainMark, LedgerEntry, UnansweredCall
from ses_integration.planning import Kind, Known

Row = TypeVar("Row", bound=Model)

# A sentence gets room in a list; what is in order stays in the background.
STYLES = {
    "in line": "white-space: nowrap; color: var(--body-quiet-color)",
    "owed": "display: inline-block; min-width: 16em",
    "in doubt": "display: inline-block; min-width: 10em",
    "needs attention": "display: inline-block; min-width: 16em; color: var(--error-fg)",
}


@dataclass(frozen=True, slots=True)
class State:
    """In two parts: `in line`, `owed`, `in doubt` or `needs attention`, and why."""

    word: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.word}{'' if self.word == 'in doubt' else ':'} {self.why}" if self.why else self.word

    @property
    def html(self) -> SafeString:
        return format_html('<span style="{}">{}</span>', STYLES[self.word], self)


def state(mark: DomainMark | None, doubt_until: datetime | None) -> State:
    """`doubt_until`: when the last unanswered call for the name can no longer be applied."""
    if mark is None:
        return State("owed", "not looked at yet")
    if mark.needs_attention:
        return State("needs attention", mark.last_error)
    if doubt_until is not None and doubt_until > timezone.now():
        return State("in doubt", f"until {doubt_until:%H:%M} UTC")
    if mark.owed or doubt_until is not None:
        return State("owed", mark.last_error or "not tried yet")
    return State("in line")


def states(domains: Iterable[str]) -> dict[str, State]:
    """The state of each name; two statements, however many there are."""
    config, names = ses_config(), set(domains)
    marks = {mark.domain: mark for mark in DomainMark.objects.of(config).filter(domain__in=names)}
    unanswered = UnansweredCall.objects.of(config).filter(entry__domain__in=names).order_by()
    doubts = dict(unanswered.values_list("entry__domain").annotate(Max("until")))
    return {name: state(marks.get(name), doubts.get(name)) for name in names}


def entries(domains: Collection[str]) -> list[LedgerEntry]:
    """What SES holds, or may hold, for the names; with recipients, identity and unanswered calls, in four statements."""
    rows = LedgerEntry.objects.of(ses_config()).filter(domain__in=domains).select_related("identity")
    rows = rows.prefetch_related("recipients", "unanswered").order_by("name")
    return [row for row in rows if row.known != Known.ABSENT or row.unanswered.all()]


def rules(entries: Iterable[LedgerEntry], domain: str) -> list[LedgerEntry]:
    return [entry for entry in entries if entry.domain == domain and entry.kind == Kind.RULE]


def identity(entries: Iterable[LedgerEntry], domain: str) -> LedgerEntry | None:
    return next((entry for entry in entries if entry.domain == domain and entry.kind == Kind.IDENTITY), None)


class ShowsSesState(ModelAdmin[Row]):
    """Adds the column `ses`: two statements a page, not one a row."""

    def ses_name(self, row: Row) -> str:
        """The name of the domain that the row belongs to."""
        raise NotImplementedError

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        changelist = super().get_changelist_instance(request)
        page = list(changelist.result_list)
        known = states(self.ses_name(row) for row in page)
        for row in page:
            row.ses_state = known[self.ses_name(row)]
        changelist.result_list = page
        return changelist

    @admin.display(description="SES")
    def ses(self, row: Row) -> SafeString:
        known: State | None = getattr(row, "ses_state", None)
        name = self.ses_name(row)
        return (known or states([name])[name]).html
