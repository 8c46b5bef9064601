"""Who has access to domains of others, in the admin: share, change a role, take access back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.core.exceptions import ValidationError
from django.db.models import Count, F, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from backoffice.deletion import Deleted, DeletesThroughService
from backoffice.links import joined, list_link, page_link, related_link
from backoffice.service_forms import ServiceAdmin, ServiceForm
from backoffice.tables import html_table
from backoffice.text import moment, plural
from domains.models import Domain, DomainAccess
from domains.sharing import service
from rest.access.roles import Deed, may

# The most rows of the table on a domain's page. A link leads to all.
ROWS = 50


class ShareForm(ServiceForm[DomainAccess]):
    class Meta:
        model = DomainAccess
        fields = ["domain", "user", "role"]
        help_texts = {
            "user": "The account that gets access.",
            "role": "A viewer reads. A manager also changes addresses, routes and marks. Only the owner deletes and shares.",
        }


class RoleForm(ServiceForm[DomainAccess]):
    class Meta:
        model = DomainAccess
        fields = ["role"]


@admin.register(DomainAccess)
class DomainAccessAdmin(DeletesThroughService[DomainAccess], ServiceAdmin[DomainAccess]):
    list_title = "Shared domains"
    when_empty = "No domain is shared. Share one, and another account sees it without knowing its owner's password."
    verb, outcome = "Unshare", "Unshared"
    asks_to_type = False
    undoing = "Access can be given again at any time."
    afterwards = "The access ends at once. What was changed with it stays."
    add_form = ShareForm
    form = RoleForm
    refusals = (service.CannotShare,)
    gone = (Domain.DoesNotExist, DomainAccess.DoesNotExist)

    domain_link = related_link("domain__name")
    user_link = related_link("user__username")
    owner_link = related_link("domain__owner__username")
    list_display = ["domain_shown", "user_link", "role", "owner_link", "created_at"]
    list_filter = ["role"]
    list_select_related = ["domain__owner", "user"]
    search_fields = ["domain__name", "user__username", "domain__owner__username"]
    date_hierarchy = "created_at"
    ordering = ["domain__name", "user__username"]
    autocomplete_fields = ["domain", "user"]
    readonly_fields = ["domain_link", "user_link", "owner_link", "created_at"]
    fields = ["domain_link", "user_link", "owner_link", "role", "created_at"]

    @admin.display(description="domain", ordering="domain__name")
    def domain_shown(self, access: DomainAccess) -> str:
        return access.domain.name

    def response_add(
        self, request: HttpRequest, obj: DomainAccess, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Go back to the domain, where everybody with access is listed."""
        if "_addanother" in request.POST or not request.user.has_perm("domains.view_domain"):
            return super().response_add(request, obj, post_url_continue)
        said = f"Shared: {obj.domain.name} with {obj.user.get_username()}, as {obj.get_role_display().lower()}."
        messages.success(request, said)
        page = reverse("admin:domains_domain_change", args=[quote(obj.domain_id)])
        return HttpResponseRedirect(f"{page}?tab=shares")

    def add_row(self, request: HttpRequest, form: Any) -> DomainAccess:
        values = form.cleaned_data
        try:
            return service.share(domain=values["domain"], user=values["user"], role=values["role"], only_new=True)
        except service.CannotShare as refusal:
            raise ValidationError({"user": str(refusal)}) from refusal

    def change_row(self, request: HttpRequest, row: DomainAccess, form: Any) -> DomainAccess:
        return service.change_role(row, form.cleaned_data["role"]) if form.changed_data else row

    @admin.action(description="Take access back", permissions=["delete"])
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[DomainAccess]) -> HttpResponse | None:
        return super().delete_selected(request, queryset)

    def consequences(self, rows: Sequence[DomainAccess]) -> dict[int, list[str]]:
        # `exports`: reverse accessor of archives.Export, in an app above.
        own = Q(domain__exports__account=F("user"), domain__exports__state="ready")
        counted = DomainAccess.objects.filter(pk__in=[row.pk for row in rows]).annotate(
            archives=Count("domain__exports", filter=own)
        )
        return {row.pk: _losses(row) for row in counted.select_related("domain", "user")}

    def delete_row(self, request: HttpRequest, row: DomainAccess, plan_token: str) -> Deleted:
        if not service.unshare([row]):
            raise DomainAccess.DoesNotExist
        return Deleted("")

    def delete_rows(
        self, request: HttpRequest, rows: Sequence[DomainAccess]
    ) -> Iterator[tuple[DomainAccess, Deleted | None]]:
        gone = {row.pk for row in service.unshare(rows)}
        return ((row, Deleted("") if row.pk in gone else None) for row in rows)


def _losses(access: Any) -> list[str]:
    """What the account cannot do any more, in sentences. `access`: with the number of its `archives`."""
    who, domain = access.user.get_username(), access.domain.name
    lines = [f"{who} no longer sees {domain}, its addresses and its mail."]
    if may(access.role, Deed.CHANGE_ADDRESSES):
        lines.append(f"{who} no longer changes its addresses, blocked emails and marks.")
    if access.archives:
        lines.append(f"{plural(access.archives, 'export')} that {who} has made can no longer be downloaded.")
    if not access.user.is_active:
        lines.append("The account is switched off, so its access rests already.")
    return lines


def table_of(request: HttpRequest, domain: Domain) -> SafeString:
    """Who has access, for the page of the domain."""
    if not request.user.has_perm("domains.view_domainaccess"):
        return SafeString("You may not see who has access.")
    rows = domain.accesses.select_related("user").order_by("user__username")[:ROWS]
    lines = [
        [
            page_link("domains.domainaccess", row.pk, row.user.get_username()),
            row.get_role_display(),
            "yes" if row.user.is_active else "no",
            moment(row.created_at),
        ]
        for row in rows
    ]
    may_add = request.user.has_perm("domains.add_domainaccess") and domain.deleting_since is None
    add = format_html('<a href="{}?domain={}">Share it</a>', reverse("admin:domains_domainaccess_add"), domain.pk)
    add = add if may_add else SafeString()
    if not lines:
        return format_html("Only its owner has access. {}", add)
    every = list_link(
        "domains.domainaccess", f"All {plural(domain.share_count, 'account')}", domain__id__exact=domain.pk
    )
    table = html_table(["Account", "Role", "Active", "Since"], lines)
    return format_html("{}<p>{}</p>", table, joined(filter(None, [every, add])))
