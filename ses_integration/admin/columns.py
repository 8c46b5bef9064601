"""What SES holds for a domain, and how far it is behind the rows: columns and fields for the admin pages of other apps."""

from __future__ import annotations

from typing import TypeVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from backoffice.base import ModelAdmin
from backoffice.links import page_link
from backoffice.text import listed, moment
from rest.deletion.plan import Doubt
from ses_integration.conf import ses_config
from ses_integration.models import LedgerEntry
from ses_integration.plan.resources import Presence, ResourceKind
from ses_integration.status.sync_state import SyncState, SyncStatus
from workers.alive import is_alive
from workers.models import WorkerKind

Row = TypeVar("Row", bound=Model)

# Sentences need a minimum width in a list.
STYLE = "display: inline-block; min-width: 16em"
STYLES = {
    SyncStatus.UP_TO_DATE: "white-space: nowrap; color: var(--body-quiet-color)",
    SyncStatus.NEEDS_ATTENTION: f"{STYLE}; color: var(--error-fg)",
}
OURS = {
    True: "created by this installation",
    False: "not created by this installation, so never deleted",
    None: "not known whether created by this installation",
}


def html(state: SyncState) -> SafeString:
    return format_html('<span style="{}">{}</span>', STYLES.get(state.status, STYLE), state)


def outage_doubts() -> list[Doubt]:
    """What a deletion has to wait for, if SES does not answer. One or two statements."""
    since = SyncState.outage_since()
    if since is None:
        return []
    nobody = "" if is_alive(WorkerKind.SES) else " No ses_worker is running to do it: start one."
    return [Doubt(f"SES: it has refused calls since {moment(since)}, so what it holds is removed later.{nobody}")]


def _shown(domain: str, kind: ResourceKind) -> SafeString:
    """What SES holds, or may hold, for the name: one line for each ledger entry, linked to it."""
    rows = LedgerEntry.objects.of(ses_config()).filter(domain=domain, kind=kind).select_related("identity")
    rows = rows.prefetch_related("recipients", "in_flight").order_by("name")
    found = [row for row in rows if row.presence != Presence.ABSENT or row.in_flight.all()]
    describe = _rule if kind is ResourceKind.RULE else _identity
    lines = ((page_link("ses_integration.ledgerentry", row.pk, row.name), describe(row)) for row in found)
    return format_html_join(SafeString("<br>"), "{}: {}", lines) or SafeString("none")


def _rule(entry: LedgerEntry) -> str:
    """`a@example.com, b@example.com`."""
    if entry.presence == Presence.UNKNOWN:
        return "contents unconfirmed"
    if entry.presence == Presence.ABSENT:
        return "an unanswered call may still create it"
    return listed(sorted(row.recipient for row in entry.recipients.all()))


def _identity(entry: LedgerEntry) -> str:
    """`Success, created by this installation, checked 2026-11-26 09:30:00 UTC`."""
    if not hasattr(entry, "identity"):
        return f"status unknown, {OURS[None]}"
    known = entry.identity
    checked = f", checked {moment(known.checked_at)}" if known.checked_at else ""
    return f"{known.status or 'status unknown'}, {OURS[known.ours]}{checked}"


class ShowsSesState(ModelAdmin[Row]):
    """Base of admin pages with the list column `ses`, at one statement a page, and the fields `ses_rules` and `ses_identity`."""

    def ses_name(self, row: Row) -> str:
        """The name of the domain that the row belongs to."""
        raise NotImplementedError

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        changelist = super().get_changelist_instance(request)
        states = SyncState.by_domain(map(self.ses_name, changelist.result_list))
        for row in changelist.result_list:
            row.ses_state = states[self.ses_name(row)]
        return changelist

    @admin.display(description="SES")
    def ses(self, row: Row) -> SafeString:
        known: SyncState | None = getattr(row, "ses_state", None)
        name = self.ses_name(row)
        return html(known or SyncState.by_domain([name])[name])

    @admin.display(description="receipt rules")
    def ses_rules(self, row: Row) -> SafeString:
        return _shown(self.ses_name(row), ResourceKind.RULE)

    @admin.display(description="identity")
    def ses_identity(self, row: Row) -> SafeString:
        return _shown(self.ses_name(row), ResourceKind.IDENTITY)
