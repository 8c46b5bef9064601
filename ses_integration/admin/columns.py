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
from ses_integration.conf import ses_config
from ses_integration.models import LedgerEntry
from ses_integration.plan.resources import Presence, ResourceKind
from ses_integration.status.sync_state import SyncState, SyncStatus

Row = TypeVar("Row", bound=Model)

# Give sentences a minimum width; print the normal state in a quiet colour.
STYLES = {
    SyncStatus.UP_TO_DATE: "white-space: nowrap; color: var(--body-quiet-color)",
    SyncStatus.PENDING: "display: inline-block; min-width: 16em",
    SyncStatus.UNCONFIRMED: "display: inline-block; min-width: 16em",
    SyncStatus.NEEDS_ATTENTION: "display: inline-block; min-width: 16em; color: var(--error-fg)",
}


def html(state: SyncState) -> SafeString:
    return format_html('<span style="{}">{}</span>', STYLES[state.status], state)


def _entries(domain: str, kind: ResourceKind) -> list[LedgerEntry]:
    """What SES holds, or may hold, for the name."""
    rows = LedgerEntry.objects.of(ses_config()).filter(domain=domain, kind=kind).select_related("identity")
    rows = rows.prefetch_related("recipients", "in_flight").order_by("name")
    return [row for row in rows if row.presence != Presence.ABSENT or row.in_flight.all()]


def _link(entry: LedgerEntry) -> SafeString:
    return page_link("ses_integration.ledgerentry", entry.pk, entry.name)


def _rule(entry: LedgerEntry) -> SafeString:
    """`inbound-example.com-rule: a@example.com, b@example.com`."""
    if entry.presence == Presence.UNKNOWN:
        return format_html("{}: contents unconfirmed", _link(entry))
    if entry.presence == Presence.ABSENT:
        return format_html("{}: an unanswered call may still create it", _link(entry))
    return format_html("{}: {}", _link(entry), listed(sorted(row.recipient for row in entry.recipients.all())))


def _identity(entry: LedgerEntry) -> SafeString:
    """`example.com: Success, created by this installation, checked 2026-11-26 09:30:00 UTC`."""
    known = entry.identity if hasattr(entry, "identity") else None
    whose = {
        True: "created by this installation",
        False: "not created by this installation, so never deleted",
        None: "not known whether created by this installation",
    }[known.ours if known else None]
    checked = f", checked {moment(known.checked_at)}" if known and known.checked_at else ""
    return format_html("{}: {}, {}{}", _link(entry), (known and known.status) or "status unknown", whose, checked)


class ShowsSesState(ModelAdmin[Row]):
    """Base of admin pages with the list column `ses`, at two statements a page, and the fields `ses_rules` and `ses_identity`."""

    def ses_name(self, row: Row) -> str:
        """The name of the domain that the row belongs to."""
        raise NotImplementedError

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        changelist = super().get_changelist_instance(request)
        page = list(changelist.result_list)
        known = SyncState.by_domain(self.ses_name(row) for row in page)
        for row in page:
            row.ses_state = known[self.ses_name(row)]
        changelist.result_list = page
        return changelist

    @admin.display(description="SES")
    def ses(self, row: Row) -> SafeString:
        known: SyncState | None = getattr(row, "ses_state", None)
        name = self.ses_name(row)
        return html(known or SyncState.by_domain([name])[name])

    @admin.display(description="receipt rules")
    def ses_rules(self, row: Row) -> SafeString:
        found = _entries(self.ses_name(row), ResourceKind.RULE)
        return format_html_join(SafeString("<br>"), "{}", ((_rule(entry),) for entry in found)) or SafeString("none")

    @admin.display(description="identity")
    def ses_identity(self, row: Row) -> SafeString:
        found = _entries(self.ses_name(row), ResourceKind.IDENTITY)
        return _identity(found[0]) if found else SafeString("none")
