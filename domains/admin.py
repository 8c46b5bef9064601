from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Count, ForeignKey, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from domains import admin_ses, catch_all, deletion, onboarding
from domains.admin_deletion import Deleted, DeletesThroughService
from domains.admin_forms import AddDomainForm, CatchAllForm
from domains.admin_services import ServiceAdmin, warn
from domains.models import DnsRecord, Domain, DomainDeletion
from ses_integration.admin_base import ReadOnlyAdmin
from ses_integration.admin_links import joined, list_link, page_link, rows_of_domain, user_link
from ses_integration.admin_push import push_and_tell
from ses_integration.admin_state import ShowsSesState, entries
from ses_integration.budget import one_budget


class BeingDeleted(admin.SimpleListFilter):
    title = "being deleted"
    parameter_name = "deleting"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "No"), ("yes", "Yes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Domain]) -> QuerySet[Domain]:
        return queryset if self.value() is None else queryset.filter(deleting_since__isnull=self.value() == "no")


@admin.register(Domain)
class DomainAdmin(ShowsSesState[Domain], DeletesThroughService[Domain], ServiceAdmin[Domain]):
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
            added = onboarding.add_domain(owner=owner, name=form.cleaned_data["name"])
        except onboarding.DomainTaken as taken:
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
        return admin_ses.what_goes(rows)

    def delete_row(self, request: HttpRequest, row: Domain) -> Deleted:
        try:
            record = deletion.delete_domain(domain=row, requested_by=cast(User, request.user).get_username())
        except Domain.DoesNotExist:
            # One that stopped half-way goes on, as a second DELETE over the API does.
            running = DomainDeletion.objects.owed().filter(domain_id=row.pk).first()
            if running is None:
                raise
            record = deletion.advance(running)
        return Deleted(_done(record), deletion.warning(record))

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
        return admin_ses.rules(entries([domain.name]), domain.name)

    @admin.display(description="identity")
    def ses_identity(self, domain: Domain) -> SafeString:
        return admin_ses.identity(entries([domain.name]), domain.name)

    @admin.display(description="stored under")
    def stored_under(self, domain: Domain) -> str:
        return domain.key_prefix


def _done(record: DomainDeletion) -> SafeString:
    counts = admin_ses.counted({part: getattr(record, part) for part in admin_ses.PARTS})
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


class Finished(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("owed", "Something is owed"), ("finished", "Finished")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[DomainDeletion]) -> QuerySet[DomainDeletion]:
        return queryset if self.value() is None else queryset.filter(finished_at__isnull=self.value() == "owed")


@admin.register(DomainDeletion)
class DomainDeletionAdmin(ReadOnlyAdmin[DomainDeletion]):
    """The report of each deletion, and the proof."""

    list_display = [
        "name", "started_at", "requested_by", "rules", "identity", "stored_mail", "finished",
    ]  # fmt: skip
    list_filter = [Finished, "identity"]
    search_fields = ["name", "domain_id", "id", "requested_by", "owner__username"]
    date_hierarchy = "started_at"
    ordering = ["-started_at", "name"]
    actions = ["go_on"]
    list_select_related = ["owner"]
    fieldsets = [
        (None, {"fields": ["name", "domain_id", "id", "owner_link", "requested_by", "started_at", "finished_at", "related"]}),
        ("Steps", {"fields": ["rules", "identity", "rows", "stored_mail", "still_owed"]}),
        ("What there was", {"fields": ["email_addresses", "blocked_emails", "dns_records", "erased_versions"]}),
        ("Next attempt", {"fields": ["problem", "attempts", "next_attempt"]}),
    ]  # fmt: skip

    def has_go_on_permission(self, request: HttpRequest) -> bool:
        # Not has_change_permission, which says for everybody that the row cannot be edited.
        return request.user.has_perm("domains.change_domaindeletion")

    @admin.action(description="Go on with what is owed now", permissions=["go_on"])
    def go_on(self, request: HttpRequest, queryset: QuerySet[DomainDeletion]) -> None:
        records = list(queryset.filter(finished_at=None))
        with one_budget():
            owed = [record for record in map(deletion.advance, records) if record.finished_at is None]
        messages.success(request, f"{len(records) - len(owed)} finished.")
        for record in owed:
            messages.warning(request, f"{record.name}: {deletion.warning(record) or 'Its rows are still to go.'}")

    @admin.display(description="owner", ordering="owner__username")
    def owner_link(self, record: DomainDeletion) -> SafeString:
        return user_link(record.owner_id, record.owner)

    @admin.display(description="finished", boolean=True, ordering="finished_at")
    def finished(self, record: DomainDeletion) -> bool:
        return record.finished_at is not None

    @admin.display(description="still owed or kept")
    def still_owed(self, record: DomainDeletion) -> str:
        return deletion.warning(record) or "nothing"

    @admin.display(description="see also")
    def related(self, record: DomainDeletion) -> SafeString:
        return joined(
            [
                list_link("ses_integration.ledgerentry", "SES ledger", domain=record.name),
                list_link("ses_integration.domainmark", "Mark", domain=record.name),
                rows_of_domain(record.name),
            ]
        )
