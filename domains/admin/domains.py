from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Count, ForeignKey, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from backoffice.base import ReadOnlyAdmin
from backoffice.deletion import Deleted, DeletesThroughService, Planned, PlanUsed
from backoffice.links import joined, list_link, page_link, user_link
from backoffice.service_forms import ServiceAdmin, warn
from domains.admin import ses
from domains.admin.deletions import DomainDeletionAdmin  # noqa: F401 - registered by being imported
from domains.admin.forms import AddDomainForm, CatchAllForm
from domains.deletion import service
from domains.deletion_plan import build, text
from domains.lifecycle import catch_all, register
from domains.models import DnsRecord, Domain, DomainDeletion
from ses_integration.admin.actions import push_and_tell
from ses_integration.admin.columns import ShowsSesState, entries
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.coordination.quotas import QuotaExceeded


class BeingDeleted(admin.SimpleListFilter):
    title = "being deleted"
    parameter_name = "deleting"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "No"), ("yes", "Yes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Domain]) -> QuerySet[Domain]:
        return queryset if self.value() is None else queryset.filter(deleting_since__isnull=self.value() == "no")


@admin.register(Domain)
class DomainAdmin(ShowsSesState[Domain], DeletesThroughService[Domain], ServiceAdmin[Domain]):
    refusals = (QuotaExceeded,)
    shared_deadline = staticmethod(shared_deadline)

    list_display = ["name", "status_shown", "owner_link", "addresses", "catch_all", "ses"]
    list_filter = ["status", "is_catch_all_enabled", BeingDeleted]
    list_select_related = ["owner", "catch_all_endpoint"]
    search_fields = ["name", "id", "owner__username"]
    date_hierarchy = "created_at"
    ordering = ["-created_at", "name"]
    actions = ["push_to_ses", "delete_selected"]
    autocomplete_fields = ["owner"]
    readonly_fields = [
        "id", "name", "status_shown", "owner_link", "addresses", "ses", "ses_rules", "ses_identity", "stored_under",
        "related", "can_receive_emails", "has_mx_records", "dns_provider", "last_dns_check", "receive_dmarc_emails",
        "created_at", "updated_at",
    ]  # fmt: skip
    fieldsets = [
        (None, {"fields": ["name", "id", "owner_link", "status_shown", "related"]}),
        ("Receiving", {"fields": ["is_catch_all_enabled", "catch_all_endpoint", "can_receive_emails"]}),
        ("SES", {"fields": ["ses", "ses_identity", "ses_rules", "stored_under"]}),
        (
            "DNS",
            {
                "classes": ["collapse"],
                "fields": ["has_mx_records", "dns_provider", "last_dns_check", "receive_dmarc_emails"],
            },
        ),
        ("Times", {"classes": ["collapse"], "fields": ["created_at", "updated_at"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Domain]:
        # `email_addresses` is the reverse accessor of addresses.EmailAddress, which stands above this app.
        return super().get_queryset(request).annotate(address_count=Count("email_addresses"))

    def get_fieldsets(self, request: HttpRequest, obj: Domain | None = None) -> Any:
        return [(None, {"fields": ["name", "owner"]})] if obj is None else self.fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Domain | None = None) -> list[str]:
        return [] if obj is None else self.readonly_fields

    def get_form(
        self, request: HttpRequest, obj: Domain | None = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm[Domain]]:
        kwargs["form"] = AddDomainForm if obj is None else CatchAllForm
        return super().get_form(request, obj, change=change, **kwargs)

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "catch_all_endpoint":
            # The form has the owner's; this keeps Django from loading everybody's.
            kwargs["queryset"] = db_field.related_model._default_manager.none()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Domain | None = None) -> bool:
        deleting = obj is not None and obj.deleting_since is not None
        return not deleting and super().has_change_permission(request, obj)

    def has_push_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("domains.change_domain")

    def add_row(self, request: HttpRequest, form: Any) -> Domain:
        owner = form.cleaned_data["owner"]
        try:
            added = register.add_domain(owner=owner, name=form.cleaned_data["name"])
        except register.DomainTaken as taken:
            whose = f"{owner} has it already." if taken.own else "It, its parent or its child belongs to somebody else."
            raise ValidationError({"name": whose}) from taken
        warn(request, added.warning)
        return added.domain

    def change_row(self, request: HttpRequest, row: Domain, form: Any) -> Domain:
        if not form.changed_data:
            return row
        endpoint = form.cleaned_data["catch_all_endpoint"]
        change = catch_all.set_catch_all(
            domain=row,
            enabled=form.cleaned_data["is_catch_all_enabled"],
            endpoint_id=None if endpoint is None else endpoint.pk,
        )
        warn(request, change.warning)
        return change.domain

    def consequences(self, rows: Sequence[Domain]) -> dict[Any, list[str | SafeString]]:
        return ses.what_goes(rows)

    def plan(self, row: Domain) -> Planned | None:
        plan = build.plan_of(row)
        # One that has begun is gone on with, and there is nothing to choose any more.
        token = "" if row.deleting_since else str(plan.token)
        return Planned(text.sections(plan), plan.certain, token)

    def delete_row(self, request: HttpRequest, row: Domain) -> Deleted:
        return self.delete_planned(request, row, "")

    def delete_planned(self, request: HttpRequest, row: Domain, token: str) -> Deleted:
        who = cast(User, request.user).get_username()
        try:
            record = service.delete_domain(domain=row, requested_by=who, plan_token=token)
        except (Domain.DoesNotExist, build.PlanOutdated) as error:
            running = DomainDeletion.objects.pending().filter(domain_id=row.pk).first()
            if running is None:
                raise
            if token:
                raise PlanUsed from error
            # One that stopped half-way goes on, as a second DELETE over the API does.
            record = service.advance(running)
        return Deleted(_done(record), service.warning(record))

    @admin.action(description="Push to SES now", permissions=["push"])
    def push_to_ses(self, request: HttpRequest, queryset: QuerySet[Domain]) -> None:
        push_and_tell(request, [domain.name for domain in queryset])

    def ses_name(self, row: Domain) -> str:
        return row.name

    @admin.display(description="status", ordering="status")
    def status_shown(self, domain: Domain) -> str:
        if domain.deleting_since is not None:
            return f"being deleted since {domain.deleting_since:%Y-%m-%d %H:%M} UTC"
        return domain.get_status_display()

    @admin.display(description="owner", ordering="owner__username")
    def owner_link(self, domain: Domain) -> SafeString:
        return user_link(domain.owner_id, domain.owner)

    @admin.display(description="addresses", ordering="address_count")
    def addresses(self, domain: Any) -> SafeString:
        return list_link("addresses.emailaddress", domain.address_count, domain__id__exact=domain.pk)

    @admin.display(description="catch-all", ordering="is_catch_all_enabled")
    def catch_all(self, domain: Domain) -> SafeString | str:
        endpoint = domain.catch_all_endpoint
        if not domain.receives_everything or endpoint is None:
            return "off"
        return page_link("endpoints.endpoint", endpoint.pk, endpoint.name)

    @admin.display(description="see also")
    def related(self, domain: Any) -> SafeString:
        of_domain = {"domain__id__exact": domain.pk}
        links = [
            list_link("addresses.emailaddress", f"Addresses ({domain.address_count})", **of_domain),
            list_link("addresses.blockedemail", "Blocked", **of_domain),
            list_link("domains.dnsrecord", "DNS records", **of_domain),
            list_link("ses_integration.ledgerentry", "SES ledger", domain=domain.name),
            list_link("domains.domaindeletion", "Deletions of this name", name=domain.name),
        ]
        if (endpoint := domain.catch_all_endpoint) is not None:
            links.append(page_link("endpoints.endpoint", endpoint.pk, "Catch-all endpoint"))
        return joined(links)

    @admin.display(description="receipt rules")
    def ses_rules(self, domain: Domain) -> SafeString:
        return ses.rules(entries([domain.name]), domain.name)

    @admin.display(description="identity")
    def ses_identity(self, domain: Domain) -> SafeString:
        return ses.identity(entries([domain.name]), domain.name)

    @admin.display(description="stored under")
    def stored_under(self, domain: Domain) -> str:
        return domain.key_prefix


def _done(record: DomainDeletion) -> SafeString:
    counts = ses.counted({part: getattr(record, part) for part in ses.PARTS})
    link = page_link("domains.domaindeletion", record.pk, "The record")
    return format_html("With it went {}. {} of it stays.", counts, link)


@admin.register(DnsRecord)
class DnsRecordAdmin(ReadOnlyAdmin[DnsRecord]):
    list_display = ["name", "record_type", "value", "domain_link", "is_required", "is_verified", "last_checked"]
    list_filter = ["record_type", "is_verified", "is_required"]
    list_select_related = ["domain"]
    search_fields = ["name", "value", "id"]
    ordering = ["domain__name", "record_type", "name"]
    fieldsets = [
        (None, {"fields": ["domain_link", "record_type", "name", "value", "is_required", "id"]}),
        ("Check", {"fields": ["is_verified", "last_checked", "created_at"]}),
    ]

    @admin.display(description="domain", ordering="domain__name")
    def domain_link(self, record: DnsRecord) -> SafeString:
        return page_link("domains.domain", record.domain_id, record.domain.name)
