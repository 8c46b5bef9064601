"""The verification of a domain on its admin page: status, DNS records and history, and the check on demand."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from backoffice.base import ModelAdmin
from backoffice.links import NOTHING
from backoffice.lists import ChoiceListFilter
from backoffice.tables import html_table
from backoffice.text import moment, plural, shortened
from domains.dns.verdict import State
from domains.lifecycle.identity import PAGE
from domains.lifecycle.mail_from import will_be_set
from domains.models import Domain
from domains.verification.check import Checked, check_one, check_page
from ses_integration.api import RecordedIdentity

# The most changes on the page.
CHANGES = 50
GONE = "It is being deleted, so it was not checked."


class ChecksFilter(ChoiceListFilter):
    title = "checks by the worker"
    parameter_name = "checks"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("planned", "Planned"), ("ended", "Ended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Domain]) -> QuerySet[Domain]:
        if self.value() is None:
            return queryset
        return queryset.filter(deleting_since=None, next_check__isnull=self.value() == "ended")


class ShowsVerification(ModelAdmin[Domain]):
    """The fields, the action and the button, for the admin of domains."""

    verification_fields = (
        "status_shown", "status_reason", "unverified", "required_missing", "proven", "checked", "checked_again", "mail_from_shown",
        "changes",
    )  # fmt: skip

    def has_check_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("domains.change_domain")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.check_view)
        return [path("<path:object_id>/check/", view, name="domains_domain_check"), *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        row = kwargs.get("obj")
        context["can_check"] = row is not None and row.deleting_since is None and self.has_check_permission(request)
        return super().render_change_form(request, context, *args, **kwargs)

    @method_decorator(require_POST)
    def check_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.has_check_permission(request):
            raise PermissionDenied
        domain = self.get_object(request, unquote(object_id))
        if domain is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        checked = check_one(domain) if domain.deleting_since is None else None
        if checked is None:
            messages.error(request, GONE)
        else:
            _tell(request, [checked])
        page = reverse("admin:domains_domain_change", args=[object_id])
        tab = request.POST.get("tab", "")
        return HttpResponseRedirect(f"{page}?{urlencode({'tab': tab})}" if tab else page)

    @admin.action(description="Check now", permissions=["check"])
    def check_now(self, request: HttpRequest, queryset: QuerySet[Domain]) -> None:
        domains = list(queryset.filter(deleting_since=None)[: PAGE + 1])
        _tell(request, check_page(domains[:PAGE]))
        if not domains:
            messages.info(request, "All selected domains are being deleted.")
        if len(domains) > PAGE:
            messages.warning(
                request, f"Only the first {PAGE} domains were checked. Select the others to check them, too."
            )

    @admin.display(description="status", ordering="status")
    def status_shown(self, domain: Domain) -> str:
        if domain.deleting_since is not None:
            return f"being deleted since {moment(domain.deleting_since)}"
        lacks_mx = domain.status == Domain.Status.VERIFIED and not domain.can_receive_emails
        return domain.get_status_display() + (", but without an MX record for SES" if lacks_mx else "")

    @admin.display(description="not verified since")
    def unverified(self, domain: Domain) -> str:
        return moment(domain.unverified_since) if domain.unverified_since else NOTHING

    @admin.display(description="required DNS records missing since")
    def required_missing(self, domain: Domain) -> str:
        return moment(domain.missing_since) if domain.missing_since else NOTHING

    @admin.display(description="owner has proven the name")
    def proven(self, domain: Domain) -> str:
        proofs = [("by verification", domain.verified_at), ("by a TXT record", domain.proven_at)]
        shown = [f"{how} at {moment(at)}" for how, at in proofs if at]
        return ", ".join(shown) or ("no, it is only claimed" if domain.is_only_claimed else "by verification")

    @admin.display(description="last checked")
    def checked(self, domain: Domain) -> str:
        known = RecordedIdentity.by_domain([domain.name]).get(domain.name)
        times = {"SES": known.checked_at if known else None, "DNS": domain.last_dns_check}
        return ", ".join(f"{who}: {moment(at) if at else 'never'}" for who, at in times.items())

    @admin.display(description="next check", ordering="next_check")
    def checked_again(self, domain: Domain) -> str:
        if domain.deleting_since is not None:
            return NOTHING
        return moment(domain.next_check) if domain.next_check else "none: ended"

    @admin.display(description="MAIL FROM domain")
    def mail_from_shown(self, domain: Domain) -> str:
        known = RecordedIdentity.by_domain([domain.name]).get(domain.name)
        if known and known.mail_from_domain:
            return f"{known.mail_from_domain} ({known.mail_from_status or 'Pending'})"
        return f"{domain.mail_from} (not set in SES yet)" if will_be_set(domain, known) else "none"

    @admin.display(description="changes of the status")
    def changes(self, domain: Domain) -> SafeString:
        newest = domain.status_changes.order_by("-at", "-pk")[: CHANGES + 1]
        lines = [[moment(row.at), f"{row.before} → {row.after}", row.reason] for row in newest]
        if len(lines) > CHANGES:
            lines[CHANGES:] = [["older ones", "", f"GET /domains/{domain.pk}/status-history"]]
        return html_table(["Time", "Change", "Reason"], lines) if lines else SafeString("none")


def _tell(request: HttpRequest, checks: Collection[Checked]) -> None:
    """Show what checks have found: which domains are verified, and a line for each other one."""
    troubles = {checked.domain: _trouble(checked) for checked in checks}
    if good := [domain.name for domain, trouble in troubles.items() if not trouble]:
        messages.success(request, f"Checked {good[0] if len(good) == 1 else plural(len(good), 'domain')}: verified.")
    others = [f"Checked {domain}: {domain.status}. {trouble}" for domain, trouble in troubles.items() if trouble]
    for line in shortened(others, 10, note=" are not verified, or could not be checked."):
        messages.warning(request, line)


def _trouble(checked: Checked) -> str:
    """Why the domain is not verified, and what could not be asked. Empty if everything is well."""
    states = [one for one in checked.verdicts.values() if one.record.is_required]
    bad = sum(one.state in (State.MISSING, State.WRONG) for one in states)
    pending = checked.domain.status != Domain.Status.VERIFIED and not checked.error
    sentences = [
        checked.domain.status_reason or (f"SES has answered {checked.ses_status}." if pending else ""),
        f"Missing or wrong: {plural(bad, 'required DNS record')}." if bad else "",
        f"SES could not be asked: {checked.error.sentence}" if checked.error else "",
        *(f"DNS could not be asked: {one.why}" for one in states if one.state is State.UNKNOWN),
    ]
    return " ".join(filter(None, dict.fromkeys(sentences)))
