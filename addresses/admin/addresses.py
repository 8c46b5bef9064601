"""Addresses in the admin: add, change, delete as planned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from addresses import deletion, deletion_plan, services
from addresses.admin.forms import AddAddressForm, ChangeAddressForm
from addresses.deletion import AddressDeletion
from addresses.models import EmailAddress
from backoffice.deletion import Deleted, DeletesThroughService
from backoffice.links import NOTHING, list_link, related_link
from backoffice.lists import ChoiceListFilter
from backoffice.service_forms import ServiceAdmin, warn
from backoffice.text import moment
from domains.lifecycle.catch_all import EndpointGone
from domains.models import Domain
from ses_integration.admin.columns import ShowsSesState, outage_doubts
from ses_integration.api import QuotaExceeded, shared_deadline


class RuleFilter(ChoiceListFilter):
    title = "receipt rule"
    parameter_name = "rule"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("with", "With a rule in SES"), ("without", "Without a rule")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[EmailAddress]) -> QuerySet[EmailAddress]:
        if self.value() is None:
            return queryset
        return queryset.filter(receipt_rule_name__isnull=self.value() == "without")  # type: ignore[misc]


@admin.register(EmailAddress)
class EmailAddressAdmin(ShowsSesState[EmailAddress], DeletesThroughService[EmailAddress], ServiceAdmin[EmailAddress]):
    when_empty = "No address receives mail yet. Add a domain first, then its addresses, or switch its catch-all on."
    add_form = AddAddressForm
    form = ChangeAddressForm
    refusals = (QuotaExceeded,)
    gone = (EmailAddress.DoesNotExist, Domain.DoesNotExist, EndpointGone)
    shared_deadline = staticmethod(shared_deadline)
    further_doubts = staticmethod(outage_doubts)
    plan_of = staticmethod(deletion_plan.plan_of)

    domain_link = related_link("domain__name")
    owner_link = related_link("domain__owner__username")
    endpoint_link = related_link("endpoint__name", "delivers to")
    list_display = ["address", "domain_link", "endpoint_link", "is_active", "rule", "ses"]
    list_filter = ["is_active", RuleFilter]
    list_select_related = ["domain", "endpoint"]
    search_fields = ["address", "id", "domain__owner__username"]
    search_help_text = "Address, id, or the owner's user name"
    ordering = ["address"]
    autocomplete_fields = ["endpoint"]
    readonly_fields = [
        "address", "id", "domain_link", "owner_link", "endpoint_link", "rule", "ses", "slot", "created_at", "updated_at",
    ]  # fmt: skip
    fieldsets = [
        (None, {"fields": ["address", "id", "domain_link", "owner_link"]}),
        ("Receiving", {"fields": ["is_active", "endpoint", "endpoint_link"]}),
        ("SES", {"fields": ["rule", "ses", "slot"]}),
        ("Times", {"classes": ["collapse"], "fields": ["created_at", "updated_at"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[EmailAddress]:
        return EmailAddress.objects.select_related("domain__owner", "endpoint").with_rule_name()

    def get_autocomplete_fields(self, request: HttpRequest) -> list[str]:
        # The form for changes offers the owner's endpoints, which are few. The form for adding does not know the owner yet.
        return self.autocomplete_fields if _adds(request) else []

    def has_change_permission(self, request: HttpRequest, obj: EmailAddress | None = None) -> bool:
        deleting = obj is not None and obj.domain.deleting_since is not None
        return not deleting and super().has_change_permission(request, obj)

    def add_row(self, request: HttpRequest, form: Any) -> EmailAddress:
        endpoint = form.cleaned_data["endpoint"]
        try:
            change = services.create_address(
                domain=form.domain,
                address=form.cleaned_data["address"],
                endpoint_id=None if endpoint is None else endpoint.pk,
                is_active=form.cleaned_data["is_active"],
            )
        except services.AddressTaken as error:
            raise ValidationError({"address": "This address already exists."}) from error
        warn(request, change.warning)
        return change.address

    def change_row(self, request: HttpRequest, row: EmailAddress, form: Any) -> EmailAddress:
        changes: dict[str, Any] = {}
        if "endpoint" in form.changed_data:
            endpoint = form.cleaned_data["endpoint"]
            changes["endpoint_id"] = None if endpoint is None else endpoint.pk
        if "is_active" in form.changed_data:
            changes["is_active"] = form.cleaned_data["is_active"]
        change = services.update_address(address=row, changes=changes)
        warn(request, change.warning)
        return change.address

    def grace_days(self) -> int:
        return int(settings.ADDRESS_DELETE_GRACE_DAYS)

    def consequences(self, rows: Sequence[EmailAddress]) -> dict[str, list[str]]:
        return {row.pk: deletion_plan.summary(row) for row in rows}

    def delete_row(self, request: HttpRequest, row: EmailAddress, plan_token: str) -> Deleted:
        return _deleted(deletion.delete_address(row, plan_token=plan_token))

    def delete_rows(
        self, request: HttpRequest, rows: Sequence[EmailAddress]
    ) -> Iterator[tuple[EmailAddress, Deleted | None]]:
        outcomes = deletion.delete_addresses(rows)
        for row in rows:
            yield row, _deleted(outcomes[row.pk]) if row.pk in outcomes else None

    def ses_name(self, row: EmailAddress) -> str:
        return row.domain.name

    @admin.display(description="receipt rule")
    def rule(self, address: Any) -> SafeString:
        name = address.receipt_rule_name
        return list_link("ses_integration.ledgerentry", name, name=name) if name else NOTHING


def _deleted(outcome: AddressDeletion) -> Deleted:
    until = outcome.restorable_until
    restoring = f"Until {moment(until)} it can be restored." if until else ""
    if outcome.removed_from_ses:
        return Deleted(" ".join(filter(None, ["SES has confirmed the deletion.", restoring])))
    return Deleted(restoring, outcome.warning)


def _adds(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and (match.url_name or "").endswith("_add")
