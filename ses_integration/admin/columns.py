"""How far SES is behind the rows, in the admin: a column on lists of domains and of what belongs to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TypeVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from backoffice.base import ModelAdmin
from ses_integration.conf import ses_config
from ses_integration.models import LedgerEntry
from ses_integration.plan.resources import Presence, ResourceKind
from ses_integration.status.sync_state import SyncState, SyncStatus, sync_states

Row = TypeVar("Row", bound=Model)

# A sentence gets room in a list; what is in order stays in the background.
STYLES = {
    SyncStatus.UP_TO_DATE: "white-space: nowrap; color: var(--body-quiet-color)",
    SyncStatus.PENDING: "display: inline-block; min-width: 16em",
    SyncStatus.UNCONFIRMED: "display: inline-block; min-width: 10em",
    SyncStatus.NEEDS_ATTENTION: "display: inline-block; min-width: 16em; color: var(--error-fg)",
}


def html(state: SyncState) -> SafeString:
    return format_html('<span style="{}">{}</span>', STYLES[state.status], state)


def entries(domains: Collection[str]) -> list[LedgerEntry]:
    """What SES holds, or may hold, for the names; with recipients, identity and unanswered calls, in four statements."""
    rows = LedgerEntry.objects.of(ses_config()).filter(domain__in=domains).select_related("identity")
    rows = rows.prefetch_related("recipients", "in_flight").order_by("name")
    return [row for row in rows if row.presence != Presence.ABSENT or row.in_flight.all()]


def rules(entries: Iterable[LedgerEntry], domain: str) -> list[LedgerEntry]:
    return [entry for entry in entries if entry.domain == domain and entry.kind == ResourceKind.RULE]


def identity(entries: Iterable[LedgerEntry], domain: str) -> LedgerEntry | None:
    return next((entry for entry in entries if entry.domain == domain and entry.kind == ResourceKind.IDENTITY), None)


class ShowsSesState(ModelAdmin[Row]):
    """Adds the column `ses`: two statements a page, not one a row."""

    def ses_name(self, row: Row) -> str:
        """The name of the domain that the row belongs to."""
        raise NotImplementedError

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        changelist = super().get_changelist_instance(request)
        page = list(changelist.result_list)
        known = sync_states(self.ses_name(row) for row in page)
        for row in page:
            row.ses_state = known[self.ses_name(row)]
        changelist.result_list = page
        return changelist

    @admin.display(description="SES")
    def ses(self, row: Row) -> SafeString:
        known: SyncState | None = getattr(row, "ses_state", None)
        name = self.ses_name(row)
        return html(known or sync_states([name])[name])
