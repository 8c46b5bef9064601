"""Deleted addresses in the admin: restore them, change their grace periods, or let catch-alls receive for them again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from addresses.models import DeletedAddress, DeletedAddressQuerySet, EmailAddress
from addresses.tombstones import period
from addresses.tombstones.lift import lift
from addresses.tombstones.restore import CannotRestore, restore_address
from backoffice.deletion import Deleted, DeletesThroughService
from backoffice.links import related_link
from backoffice.lists import ChoiceListFilter
from backoffice.service_forms import warn
from backoffice.text import listed, moment
from domains.grace.period import TooLong
from ses_integration.api import QuotaExceeded, shared_deadline

MOST_AT_ONCE = 200
EXTENSION_DAYS = 30
RECEIVES = "A catch-all may receive its mail again."
NEVER_RESTORED = "It cannot be restored any more."


class RestorableFilter(ChoiceListFilter):
    title = "state"
    parameter_name = "restorable"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Can be restored"), ("no", "Too late to restore")]

    def queryset(self, request: HttpRequest, queryset: Any) -> DeletedAddressQuerySet:
        rows: DeletedAddressQuerySet = queryset
        return rows if self.value() is None else rows.restorable(self.value() == "yes")


@admin.register(DeletedAddress)
class DeletedAddressAdmin(DeletesThroughService[DeletedAddress]):
    """Deleting such a row lifts it. What the lists of Django call to delete is named for that."""

    when_empty = "No deleted address is kept. ADDRESS_DELETE_GRACE_DAYS keeps those that are deleted from then on."
    verb, outcome = "Lift", "Lifted"
    asks_to_type = False
    afterwards = f"{RECEIVES} {NEVER_RESTORED} Nothing changes in SES."

    class Media:
        css = {"all": ["backoffice/pages.css"]}

    domain_link = related_link("domain__name")
    owner_link = related_link("domain__owner__username")
    endpoint_link = related_link("endpoint__name", "delivered to")
    list_display = ["address", "domain_link", "endpoint_link", "is_active", "deleted_at", "restorable_until"]
    list_filter = [RestorableFilter, "is_active"]
    list_select_related = ["domain", "endpoint"]
    search_fields = ["address", "id", "domain__owner__username"]
    search_help_text = "Address, id, or the owner's user name"
    date_hierarchy = "deleted_at"
    ordering = ["-deleted_at", "id"]
    actions = ["restore", "extend", "end_period", "delete_selected"]
    fields = [
        "address", "id", "domain_link", "owner_link", "endpoint_link", "is_active", "created_at", "deleted_at", "restorable_until",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeletedAddress]:
        return DeletedAddress.objects.select_related("domain__owner", "endpoint")

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        row: DeletedAddress = kwargs["obj"]
        context |= {
            "title": f"Deleted address {row}",
            "subtitle": None,
            "show_delete": False,
            "can_lift": self.has_delete_permission(request, row),
            "can_restore": row.restorable_until > timezone.now() and self.has_restore_permission(request),
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: DeletedAddress | None = None) -> bool:
        return False

    def has_restore_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("addresses.add_emailaddress")

    @admin.action(description="Restore selected", permissions=["restore"])
    def restore(self, request: HttpRequest, queryset: QuerySet[DeletedAddress]) -> None:
        rows = list(queryset[: MOST_AT_ONCE + 1])
        if len(rows) > MOST_AT_ONCE:
            messages.error(request, f"Restore at most {MOST_AT_ONCE} at once.")
            return
        restored = []
        with shared_deadline():
            for row in rows:
                try:
                    change = restore_address(row)
                except (CannotRestore, QuotaExceeded) as error:
                    messages.warning(request, f"Not restored: {row}. {error}")
                except (DeletedAddress.DoesNotExist, EmailAddress.DoesNotExist):
                    messages.warning(request, f"Gone meanwhile: {row}.")
                else:
                    restored.append(row.address)
                    warn(request, change.warning and f"Of {row}: {change.warning}")
        if restored:
            messages.success(request, f"Restored: {listed(restored)}.")

    @admin.action(description=f"Extend the grace periods of selected by {EXTENSION_DAYS} days", permissions=["restore"])
    def extend(self, request: HttpRequest, queryset: QuerySet[DeletedAddress]) -> None:
        self._change(request, queryset, "Extended", lambda row: period.extend(row, days=EXTENSION_DAYS))

    @admin.action(description="End the grace periods of selected: they stay deleted", permissions=["delete"])
    def end_period(self, request: HttpRequest, queryset: QuerySet[DeletedAddress]) -> None:
        self._change(request, queryset, "Ended", period.end)

    def _change(
        self,
        request: HttpRequest,
        queryset: QuerySet[DeletedAddress],
        done: str,
        change: Callable[[DeletedAddress], datetime],
    ) -> None:
        changed = []
        for row in queryset[:MOST_AT_ONCE]:
            try:
                changed.append(f"{row} until {moment(change(row))}")
            except (CannotRestore, TooLong) as error:
                messages.warning(request, f"Not changed: {row}. {error}")
            except DeletedAddress.DoesNotExist:
                messages.warning(request, f"Gone meanwhile: {row}.")
        if changed:
            messages.success(request, f"{done}: {listed(changed)}.")

    @admin.action(description="Lift selected: catch-alls receive for them again", permissions=["delete"])
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[DeletedAddress]) -> HttpResponse | None:
        return super().delete_selected(request, queryset)

    def consequences(self, rows: Sequence[DeletedAddress]) -> dict[str, list[str]]:
        return {row.pk: [RECEIVES, NEVER_RESTORED] for row in rows}

    def delete_row(self, request: HttpRequest, row: DeletedAddress, plan_token: str) -> Deleted:
        if not lift(row):
            raise DeletedAddress.DoesNotExist
        return Deleted(RECEIVES)
