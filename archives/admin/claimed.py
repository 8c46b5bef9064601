"""What the pages of exports and imports show in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from archives.models import Claimed
from backoffice.links import page_link
from backoffice.text import size, visible

if TYPE_CHECKING:
    from backoffice.base import ReadOnlyAdmin

    Base = ReadOnlyAdmin[Any]
else:
    Base = object


class ShowsClaimed(Base):
    @admin.display(description="state", ordering="state")
    def state_shown(self, row: Claimed) -> str:
        waits_for_somebody = row.stalled and row.state in row.UNFINISHED
        return "Needs you" if waits_for_somebody else str(self.model.State(row.status).label)

    @admin.display(description="state", ordering="state")
    def state_and_problem(self, row: Claimed) -> str | SafeString:
        state, problem = self.state_shown(row), visible(row.problem)
        return format_html('{}<br><span class="quiet">{}</span>', state, problem) if problem else state

    @admin.display(description="problem")
    def problem_shown(self, row: Claimed) -> str:
        return visible(row.problem) or "-"

    @admin.display(description="domain")
    def domain_link(self, row: Claimed) -> SafeString | str:
        return row.domain_name if row.domain_gone else page_link("domains.domain", row.domain_id, row.domain_name)

    @admin.display(description="size", ordering="bytes")
    def size_shown(self, row: Any) -> str:
        return size(row.bytes)
