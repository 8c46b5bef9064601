"""Downloads from the page of a mail: the mail as it is stored, and its attachments. Never shown in the browser."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from backoffice.base import ReadOnlyAdmin
from mail.admin import content
from mail.downloads.headers import RAW, download_headers
from mail.downloads.stored import NoSuchAttachment, open_attachment, open_mail
from mail.downloads.wording import BUSY
from mail.models import ReceivedEmail
from mail.parsing.pool import Busy, Unreadable
from ses_integration.api import NotStored, SesError


class Downloads(ReadOnlyAdmin[ReceivedEmail]):
    """Two more pages for each mail. They need the permission to view it."""

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        own = [
            path("<path:object_id>/raw/", self.admin_site.admin_view(self.raw_view), name=f"{name}_raw"),
            path(
                "<path:object_id>/attachments/<int:index>/",
                self.admin_site.admin_view(self.attachment_view),
                name=f"{name}_attachment",
            ),
        ]
        return [*own, *super().get_urls()]

    def raw_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        row = self._row(request, object_id)
        if self._warns(request, row):
            return self._warning(request, row)
        message = row.message
        try:
            size, pieces = open_mail(message)
        except SesError as error:
            return self._failed(request, row, error)
        except Busy:
            return self._back(request, row, BUSY)
        headers = download_headers(f"{message.ses_id}.eml", RAW) | {"Content-Length": str(size)}
        return StreamingHttpResponse(pieces, headers=headers)

    def attachment_view(self, request: HttpRequest, object_id: str, index: int) -> HttpResponseBase:
        row = self._row(request, object_id)
        if all(one["index"] != index for one in row.message.attachments):
            raise Http404
        if self._warns(request, row):
            return self._warning(request, row)
        try:
            found, file = open_attachment(row.message, index)
        except SesError as error:
            return self._failed(request, row, error)
        except (Busy, Unreadable) as error:
            return self._back(request, row, str(error) or BUSY)
        except NoSuchAttachment:
            raise Http404 from None
        headers = download_headers(found.filename, found.content_type)
        return FileResponse(file, content_type=headers.pop("Content-Type"), headers=headers)

    def _row(self, request: HttpRequest, object_id: str) -> ReceivedEmail:
        """Raises PermissionDenied, Http404."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        return row

    def _warns(self, request: HttpRequest, row: ReceivedEmail) -> bool:
        return row.message.has_virus and request.GET.get("unsafe") != "true"

    def _warning(self, request: HttpRequest, row: ReceivedEmail) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "SES has found a virus in this mail",
            "opts": self.opts,
            "back": self._page_of(row),
        }
        return content.protected(TemplateResponse(request, "admin/mail/unsafe_download.html", context))

    def _failed(self, request: HttpRequest, row: ReceivedEmail, error: SesError) -> HttpResponse:
        gone = "The bucket does not have this mail any more."
        return self._back(request, row, gone if isinstance(error, NotStored) else error.sentence)

    def _back(self, request: HttpRequest, row: ReceivedEmail, problem: str) -> HttpResponse:
        messages.error(request, problem)
        return HttpResponseRedirect(self._page_of(row))

    def _page_of(self, row: ReceivedEmail) -> str:
        name = f"{self.opts.app_label}_{self.opts.model_name}_change"
        return reverse(f"{self.admin_site.name}:{name}", args=[quote(row.pk)])
