"""The form that imports an archive, or shows first what would be imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html

from archives.format.reading.refusal import Refused
from archives.imports.facts import foreseen
from archives.imports.refusals import CannotImport
from archives.imports.service import Foreseen, prepare
from archives.models import Import
from archives.uploads.room import BUSY, limits, place, too_large
from archives.uploads.start import ImportRunning, foresee_upload, import_archive, require_bucket
from backoffice.links import page_link, page_url
from backoffice.service_forms import ServiceAdmin, ServiceForm, warn
from mail.parsing.pool import Busy
from ses_integration.api import NotConfigured
from workers.models import WorkerKind
from workers.wording import left_to

if TYPE_CHECKING:
    Base = ServiceAdmin[Import]
else:
    Base = ServiceAdmin

NO_BUCKET = "Mail can only be imported into a bucket. Set S3_BUCKET_NAME, and try again."
NEXT = "The mail worker imports its mail. This page says how far it is."
PREVIEW = "Show what would be imported"


class Preview(Exception):
    """An archive that was only to be tried."""

    def __init__(self, shown: Foreseen) -> None:
        super().__init__()
        exists = shown.existing is not None
        self.heading, *self.lines = foreseen(shown.prepared, exists=exists, with_mail=shown.with_mail)
        self.conflict = _sentence(shown.conflict) if shown.conflict else None


class ImportForm(ServiceForm[Import]):
    file = forms.FileField(label="Archive", help_text="The zip file of an export, as it was downloaded.")

    class Meta:
        model = Import
        # The file comes last: what follows it does not arrive if it is too large.
        fields = ["account", "with_mail", "file"]
        labels = {"account": "Owner", "with_mail": "With its mail"}
        help_texts = {
            "account": "The account that gets the domain.",
            "with_mail": "As history that is not delivered. If the owner has the domain, only mail that it lacks is imported.",
        }


class ImportsArchives(Base):
    add_form = ImportForm
    autocomplete_fields = ["account"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("archives.add_import")

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Preview as preview:
            # The form again, with what was chosen except for the file, which browsers do not keep.
            request.preview = preview  # type: ignore[attr-defined]
            request.method = "GET"
            return super().changeform_view(request, *args, **kwargs)

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        if getattr(request, "too_large", False):
            # It did not come to its end, so the form has none.
            form.base_fields["file"] = forms.FileField(error_messages={"required": too_large()})
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        if not hasattr(request, "preview"):
            return super().get_changeform_initial_data(request)
        return {"account": request.POST.get("account"), "with_mail": "with_mail" in request.POST}

    def add_row(self, request: HttpRequest, form: Any) -> Import:
        try:
            with place():
                return self._import(request, **form.cleaned_data)
        except Busy:
            raise ValidationError(BUSY) from None

    def _import(self, request: HttpRequest, file: Any, account: Any, with_mail: bool) -> Import:
        try:
            if with_mail:
                require_bucket()
            prepared = prepare(file.file, account, limits())
            if "_preview" in request.POST:
                raise Preview(foresee_upload(prepared, with_mail=with_mail))
            return import_archive(prepared, file.file, with_mail=with_mail)
        except (Refused, CannotImport) as error:
            raise ValidationError({"file": _sentence(error)}) from error
        except NotConfigured as missing:
            raise ValidationError({"with_mail": NO_BUCKET}) from missing

    def response_add(self, request: HttpRequest, obj: Import, post_url_continue: str | None = None) -> HttpResponse:
        if obj.status == Import.State.FAILED:
            messages.warning(request, f"{obj.domain_name} is imported, but not its mail. {obj.problem}")
        else:
            said = f" {left_to(WorkerKind.MAIL, NEXT)}" if obj.status == Import.State.PENDING else ""
            messages.success(request, f"Imported: {obj.domain_name}.{said}")
        warn(request, obj.warning)
        if not self.has_view_permission(request, obj):
            return HttpResponseRedirect(reverse("admin:index"))
        return HttpResponseRedirect(page_url(self, obj))


def _sentence(error: Exception) -> str:
    if not isinstance(error, ImportRunning):
        return str(error)
    link = page_link("archives.import", error.row.pk, "Its page")
    return format_html("{} {} says how far it is.", str(error), link)
