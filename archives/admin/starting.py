"""The form that starts an export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html

from archives.exports.service import AlreadyRunning, start_export
from archives.models import Export
from backoffice.links import page_link, page_url
from backoffice.service_forms import ServiceAdmin, ServiceForm
from domains.models import Domain
from ses_integration.api import NotConfigured
from workers.models import WorkerKind
from workers.wording import left_to

if TYPE_CHECKING:
    Base = ServiceAdmin[Export]
else:
    Base = ServiceAdmin

NEXT = "The mail worker makes the archive. This page says how far it is, and has the download when it is complete."
NO_BUCKET = "Exports need a bucket. Set S3_BUCKET_NAME, and try again."


class StartForm(ServiceForm[Export]):
    includes_secrets = forms.BooleanField(
        required=False,
        label="With secrets",
        help_text="Signing secrets and headers of webhooks, in plain text. Whoever has the archive then has them, too.",
    )

    class Meta:
        model = Export
        fields = ["domain", "includes_secrets"]
        help_texts = {
            "domain": "Its settings, addresses and stored mail become one zip file, which belongs to the owner's account. "
            "The mail worker makes it, and erases it after EXPORT_KEEP_DAYS."
        }


class StartsExports(Base):
    add_form = StartForm
    autocomplete_fields = ["domain"]
    gone = (Domain.DoesNotExist,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("archives.add_export")

    def add_row(self, request: HttpRequest, form: Any) -> Export:
        domain, secrets = form.cleaned_data["domain"], form.cleaned_data["includes_secrets"]
        try:
            return start_export(domain=domain, account=domain.owner, includes_secrets=secrets)
        except AlreadyRunning as running:
            link = page_link("archives.export", running.export.pk, "Its page")
            raise ValidationError({"domain": format_html("{} {} says how far it is.", str(running), link)}) from running
        except NotConfigured as missing:
            raise ValidationError({"domain": NO_BUCKET}) from missing

    def response_add(self, request: HttpRequest, obj: Export, post_url_continue: str | None = None) -> HttpResponse:
        messages.success(request, f"Started: the export of {obj.domain_name}. {left_to(WorkerKind.MAIL, NEXT)}")
        if not self.has_view_permission(request, obj):
            return HttpResponseRedirect(reverse("admin:index"))
        return HttpResponseRedirect(page_url(self, obj))
