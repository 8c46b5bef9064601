"""Domains in the admin: add, switch catch-all, push to SES, delete as planned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.origin import current
from backoffice.deletion import Deleted, DeletesThroughService, PlanUsed
from backoffice.links import joined, list_link, page_link, related_link
from backoffice.lists import ChoiceListFilter
from backoffice.service_forms import ServiceAdmin, warn
from backoffice.text import plural
from domains.admin.deleted import reports
from domains.admin.deletions import ALSO
from domains.admin.forms import AddDomainForm, CatchAllForm
from domains.admin.tabs import ShowsTabs, tab_url
from domains.admin.verification import ChecksFilter, ShowsVerification
from domains.deletion import service
from domains.deletion.record import warning
from domains.deletion_plan import build, model
from domains.lifecycle import catch_all, register
from domains.lifecycle.held import DomainRestorable
from domains.lifecycle.mail_from import MailFromConflict
from domains.models import Domain, DomainDeletion, Step
from domains.names import RefusedName
from rest.deletion.plan_token import PlanOutdated
from ses_integration.admin.actions import push
from ses_integration.admin.columns import ShowsSesState, outage_doubts
from ses_integration.api import QuotaExceeded, RecordedIdentity, shared_deadline

ON_ITS_PAGE = "Restore it on the page of its deletion, or end the grace period there to start afresh."


class DeletingFilter(ChoiceListFilter):
    title = "being deleted"
    parameter_name = "deleting"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "No"), ("yes", "Yes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Domain]) -> QuerySet[Domain]:
        return queryset if self.value() is None else queryset.filter(deleting_since__isnull=self.value() == "no")


class ReceivingFilter(ChoiceListFilter):
    title = "receiving"
    parameter_name = "receiving"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Yes"), ("no", "No, though it has been verified")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Domain]) -> QuerySet[Domain]:
        if self.value() == "yes":
            return queryset & Domain.objects.receiving()
        return queryset if self.value() is None else queryset & Domain.objects.not_receiving()


@admin.register(Domain)
class DomainAdmin(
    ShowsTabs, ShowsVerification, ShowsSesState[Domain], DeletesThroughService[Domain], ServiceAdmin[Domain]
):
    when_empty = "No domain yet. Add one: its page then shows the DNS records to publish."
    add_form = AddDomainForm
    form = CatchAllForm
    changes_by_name = "name"
    refusals = (QuotaExceeded,)
    gone = (Domain.DoesNotExist, catch_all.EndpointGone)
    shared_deadline = staticmethod(shared_deadline)
    further_doubts = staticmethod(outage_doubts)
    plan_of = staticmethod(build.plan_of)
    consequence_titles = model.SUMMARY

    owner_link = related_link("owner__username")
    list_display = ["name", "status_shown", "checked_again", "owner_link", "addresses", "catch_all", "ses"]
    list_filter = [
        "status", ReceivingFilter, ChecksFilter, ("missing_since", admin.EmptyFieldListFilter), "is_catch_all_enabled",
        DeletingFilter,
    ]  # fmt: skip
    list_select_related = ["owner", "catch_all_endpoint"]
    search_fields = ["name", "id", "owner__username"]
    date_hierarchy = "created_at"
    ordering = ["name"]
    actions = ["check_now", "push_to_ses", "delete_selected"]
    autocomplete_fields = ["owner"]
    readonly_fields = [
        *ShowsVerification.verification_fields, "id", "name", "owner_link", "addresses", "ses", "ses_rules", "ses_identity",
        "stored_under", "related", "can_receive_emails", "receive_dmarc_emails", "created_at", "updated_at",
    ]  # fmt: skip

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "catch_all_endpoint":
            # The form sets the owner's endpoints. This keeps Django from loading everybody's.
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
            reason = (
                f"{owner} has already added it."
                if taken.own
                else taken.reason or "This domain belongs to another user."
            )
            raise ValidationError({"name": reason}) from taken
        except DomainRestorable as restorable:
            raise ValidationError({"name": f"{restorable.sentence(f'{owner} has')} {ON_ITS_PAGE}"}) from restorable
        except (RefusedName, register.DnsConflict, MailFromConflict) as refusal:
            raise ValidationError({"name": str(refusal)}) from refusal
        warn(request, added.warning)
        return added.domain

    def response_add(self, request: HttpRequest, obj: Domain, post_url_continue: str | None = None) -> HttpResponse:
        """Go on to the records to publish."""
        if "_addanother" in request.POST or not self.has_view_permission(request, obj):
            return super().response_add(request, obj, post_url_continue)
        messages.success(
            request, format_html("Added: {}. Publish these records, and SES will receive its mail.", obj.name)
        )
        return HttpResponseRedirect(tab_url(obj, "dns"))

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

    def totals(self, rows: Sequence[Domain]) -> str:
        counts = (
            sum(row.blocked_email_count for row in rows),
            sum(row.address_count for row in rows),
            sum(row.dns_record_count for row in rows),
        )
        return f"{plural(len(rows), 'domain')}: {model.row_counts(*counts)}"

    def grace_days(self) -> int:
        return int(settings.DOMAIN_DELETE_GRACE_DAYS)

    def consequences(self, rows: Sequence[Domain]) -> dict[str, list[str]]:
        recorded = RecordedIdentity.by_domain(row.name for row in rows)
        return {
            row.pk: model.summary(
                row,
                model.row_counts(row.blocked_email_count, row.address_count, row.dns_record_count),
                recorded.get(row.name),
            )
            for row in rows
        }

    def delete_row(self, request: HttpRequest, row: Domain, plan_token: str) -> Deleted:
        who = cast(User, request.user).get_username()
        continued = False
        try:
            record = service.delete_domain(domain=row, requested_by=who, plan_token=plan_token)
        except (Domain.DoesNotExist, PlanOutdated) as error:
            running = DomainDeletion.objects.pending().filter(domain_id=row.pk).first()
            if running is None:
                raise
            if plan_token:
                raise PlanUsed from error
            # Continue a deletion that stopped half-way, as a second DELETE over the API does.
            record, continued = service.advance(running), True
        if record.in_grace:
            return Deleted(reports.state_of(record) + ".", warning(record), record.pk, continued)
        confirmed = Step.DONE == record.rules == record.identity
        counts = model.row_counts(record.blocked_emails, record.email_addresses, record.dns_records)
        done = f"This also deleted {counts}."
        done = f"SES has confirmed the deletion. {done}" if confirmed else done
        return Deleted(done, warning(record), record.pk, continued)

    def results_url(self, request: HttpRequest, deleted: Sequence[Deleted]) -> str:
        """The report of one deletion, or the table of all that this request has begun or continued."""
        if not deleted or not request.user.has_perm("domains.view_domaindeletion"):
            return ""
        if len(deleted) == 1:
            return reverse("admin:domains_domaindeletion_change", args=[quote(deleted[0].report)])
        origin = current()
        if origin is None:
            return ""
        table = reverse("admin:domains_domaindeletion_results", args=[origin.request_id])
        also = urlencode({ALSO: [one.report for one in deleted if one.continued]}, doseq=True)
        return f"{table}?{also}" if also else table

    @admin.action(description="Push to SES now", permissions=["push"])
    def push_to_ses(self, request: HttpRequest, queryset: QuerySet[Domain]) -> None:
        push(request, [domain.name for domain in queryset])

    def ses_name(self, row: Domain) -> str:
        return row.name

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
            list_link("addresses.blockedemail", "Blocked emails", **of_domain),
            list_link("mail.receivedemail", "Received mail", **of_domain),
            list_link("mail.delivery", "Deliveries", received__domain__id__exact=domain.pk),
            list_link("domains.dnsrecord", "DNS records", **of_domain),
            list_link("ses_integration.ledgerentry", "SES ledger", domain=domain.name),
            list_link("domains.domaindeletion", "Deletions of this name", name=domain.name),
        ]
        if (endpoint := domain.catch_all_endpoint) is not None:
            links.append(page_link("endpoints.endpoint", endpoint.pk, "Catch-all endpoint"))
        return joined(links)

    @admin.display(description="stored under")
    def stored_under(self, domain: Domain) -> str:
        return domain.key_prefix
