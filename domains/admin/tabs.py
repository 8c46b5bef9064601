"""The tabs of a domain's page, each with an address of its own: what is under them, and the lines above."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from backoffice.base import ModelAdmin
from backoffice.links import NOTHING, list_link, page_link, registered
from backoffice.tables import html_table
from backoffice.text import ago, moment, plural, size
from domains.admin import publishing, shares
from domains.admin.deleted.domain import report_url
from domains.admin.verification import ShowsVerification
from domains.models import Domain, DomainDeletion
from ses_integration.api import RecordedRecipients, SyncState

# The most rows of a table under a tab. A link leads to all.
ROWS = 50
PARAMETER = "tab"
RECEIVING = ("is_catch_all_enabled", "catch_all_endpoint", "can_receive_emails", "receive_dmarc_emails")


@dataclass(frozen=True, slots=True)
class Tab:
    """`fields`: the fieldsets of the admin's form that are under it. `has_form`: some of them can be changed."""

    key: str
    title: str
    fieldsets: Sequence[tuple[str | None, dict[str, Any]]] = field(default_factory=list)
    has_form: bool = False


TABS = [
    Tab(
        "",
        "Domain",
        [
            ("Receiving", {"fields": RECEIVING}),
            ("Verification", {"fields": ShowsVerification.verification_fields}),
            ("See also", {"fields": ["related", "id", "owner_link", "created_at", "updated_at"]}),
        ],
        has_form=True,
    ),
    Tab("addresses", "Addresses"),
    Tab("dns", "DNS"),
    Tab("ses", "SES", [(None, {"fields": ["ses", "ses_identity", "ses_rules", "stored_under"]})]),
    Tab("deletions", "Deletions of this name"),
    Tab("shares", "Shared with"),
    Tab("changes", "Changes"),
]


def tab_of(request: HttpRequest) -> Tab:
    """The tab that the address names; the first one if there is no such tab."""
    return next((tab for tab in TABS if tab.key == request.GET.get(PARAMETER, "")), TABS[0])


def tab_url(domain: Domain, key: str) -> str:
    page = reverse("admin:domains_domain_change", args=[quote(domain.pk)])
    return f"{page}?{PARAMETER}={key}" if key else page


class ShowsTabs(ModelAdmin[Domain]):
    """The page of a domain, for its admin."""

    class Media:
        css = {"all": ["backoffice/pages.css", "backoffice/tabs.css"]}
        js = ["backoffice/live.js"]

    def get_fieldsets(self, request: HttpRequest, obj: Domain | None = None) -> Any:
        return super().get_fieldsets(request, obj) if obj is None else tab_of(request).fieldsets

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        domain = self.get_object(request, unquote(object_id))
        if domain is None or domain.restorable_until is None or not self.has_delete_permission(request, domain):
            return super().delete_view(request, object_id, extra_context)
        # There is nothing to continue, and a plan would say what goes only later.
        messages.info(
            request, f"Already deleted: {domain.name}. The page of its deletion restores it, or ends its grace period."
        )
        return HttpResponseRedirect(tab_url(domain, "deletions"))

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        domain: Domain | None = kwargs.get("obj")
        if domain is not None:
            tab = tab_of(request)
            context |= {
                "title": domain.name,
                "subtitle": None,
                **heading(domain),
                **_content(self, request, tab, domain),
            }
            context["tabs"] = [(one.title, tab_url(domain, one.key), one is tab, _count(one, domain)) for one in TABS]
            context["tab"] = tab.key
            report = report_url(request, domain)
            context["report_url"] = report
            context["can_export"] = domain.deleting_since is None and request.user.has_perm("archives.add_export")
            context["shows_delete"] = not report and self.has_delete_permission(request, domain)
            if not tab.has_form:
                context |= {"show_save": False, "show_save_and_continue": False, "show_delete": False}
        return super().render_change_form(request, context, *args, **kwargs)


def heading(domain: Domain) -> dict[str, Any]:
    """The lines above the tabs. A constant number of statements, however much mail there is."""
    now = timezone.now()
    # Reverse accessors of mail, an app above this one.
    newest = domain.received_emails.order_by("-arrived_at").values_list("arrived_at", flat=True).first()
    day = now - timedelta(days=1)
    [counted], [rest] = domain.mail_counts.since(day), domain.received_emails.before_full_hour(day)
    state = SyncState.by_domain([domain.name])[domain.name]
    return {
        "receiving": _receiving(domain),
        "sync": state,
        "last_mail": ago(newest, now) if newest else "",
        "mail_today": f"{counted + rest:,}",
        "stored": size(domain.messages.stored_bytes()),
        "taken": RecordedRecipients().takers([domain.name]).get(domain.name, []),
    }


def _receiving(domain: Domain) -> str:
    if domain.deleting_since is not None:
        until = domain.restorable_until
        return f"Deleted. It can be restored until {moment(until)}" if until else "Being deleted"
    receives = domain.status == Domain.Status.VERIFIED and domain.can_receive_emails
    return "Receiving" if receives else "Not receiving"


def _count(tab: Tab, domain: Domain) -> str:
    return f"{domain.address_count:,}" if tab.key == "addresses" else ""


def _content(admin: ModelAdmin[Domain], request: HttpRequest, tab: Tab, domain: Domain) -> dict[str, Any]:
    match tab.key:
        case "addresses":
            return {"table": _addresses(request, domain)}
        case "dns":
            return publishing.context_of(domain, with_zone="zone" in request.GET)
        case "deletions":
            return {"table": _deletions(request, domain)}
        case "shares":
            return {"table": shares.table_of(request, domain)}
        case "changes":
            return {"table": _changes(admin, request, domain)}
        case _:
            return {}


def _addresses(request: HttpRequest, domain: Domain) -> SafeString:
    if not request.user.has_perm("addresses.view_emailaddress"):
        return SafeString("You may not see addresses.")
    # Reverse accessor of addresses.EmailAddress, in an app above this one.
    rows = domain.email_addresses.select_related("endpoint").with_rule_name().order_by("address")[:ROWS]
    lines = [
        [
            page_link("addresses.emailaddress", row.pk, row.address),
            page_link("endpoints.endpoint", row.endpoint.pk, row.endpoint.name) if row.endpoint else "nowhere",
            "yes" if row.is_active else "no",
            row.receipt_rule_name or NOTHING,
        ]
        for row in rows
    ]
    add = format_html(
        '<a href="{}?address=%40{}">Add an address</a>', reverse("admin:addresses_emailaddress_add"), domain.name
    )
    if not lines:
        return format_html("No address yet, so only catch-all can receive. {}", add)
    every = list_link(
        "addresses.emailaddress", f"All {plural(domain.address_count, 'address')}", domain__id__exact=domain.pk
    )
    table = html_table(["Address", "Goes to", "Active", "Receipt rule"], lines)
    return format_html("{}<p>{} · {}</p>", table, every, add)


def _deletions(request: HttpRequest, domain: Domain) -> SafeString:
    if not request.user.has_perm("domains.view_domaindeletion"):
        return SafeString("You may not see deletions.")
    rows = DomainDeletion.objects.filter(name=domain.name).order_by("-started_at")[:ROWS]
    lines = [
        [
            page_link("domains.domaindeletion", row.pk, moment(row.started_at)),
            row.requested_by or NOTHING,
            _state(row),
            moment(row.proved_at) if row.proved_at else "not yet",
        ]
        for row in rows
    ]
    if not lines:
        return SafeString("A domain of this name has never been deleted here.")
    return html_table(["Deleted", "By", "State", "Verified"], lines)


def _state(row: DomainDeletion) -> str:
    if row.restored_at is not None:
        return f"restored {moment(row.restored_at)}"
    if row.in_grace and row.restorable_until is not None:
        return f"can be restored until {moment(row.restorable_until)}"
    return f"pending: {row.labels(row.pending_steps)}" if row.finished_at is None else "finished"


def _changes(admin: ModelAdmin[Domain], request: HttpRequest, domain: Domain) -> SafeString:
    """What the audit log has of this name, in the columns of its own list."""
    log: Any = registered(admin.admin_site, "audit.change")
    if log is None or not log.has_view_permission(request):
        return SafeString("You may not see the audit log.")
    rows = log.get_queryset(request).filter(object_name=domain.name).order_by("-pk")[:ROWS]
    lines = [
        [page_link("audit.change", row.pk, moment(row.at)), log.what(row), log.differences(row), log.author(row)]
        for row in rows
    ]
    if not lines:
        return SafeString("No change is recorded.")
    every = list_link("audit.change", "All changes of this name", object_name=domain.name)
    return format_html("{}<p>{}</p>", html_table(["Time", "What", "Changed", "Who"], lines), every)
