"""`/exports/{id}/download`, for which a link is enough (docs/api/exports.md)."""

from __future__ import annotations

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import APIException, NotFound
from rest_framework.request import Request
from rest_framework.views import APIView

from archives.exports import links
from archives.exports.downloads import archive_answer, headers_of
from archives.models import Export
from audit.origin import act_by_role, identify
from mail.downloads.wording import BUSY, NO_STORE
from mail.parsing.pool import Busy
from rest.errors import Conflict, Gone, Unavailable
from rest.ids import find_or_none
from ses_integration.api import NotStored, SesError

NOT_FOUND = "Export not found"
LINK_EXPIRED = "This link has expired. GET /exports/{id} has a new one."
GONE = "The archive has been erased. Start a new export."
NOT_READY = "The archive is not ready yet."


class DownloadView(APIView):
    """Needs no key, so that a browser or `curl` can fetch the file. At each use the account must still see the domain."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    # It is not one of the paths that take a key.
    schema = None

    def get(self, request: Request, pk: str) -> HttpResponseBase:
        export = _found(request, pk)
        try:
            return archive_answer(export)
        except NotStored:
            raise Gone(GONE) from None
        except Busy:
            raise Unavailable(BUSY) from None
        except SesError:
            raise Unavailable(NO_STORE) from None

    def head(self, request: Request, pk: str) -> HttpResponseBase:
        export = _found(request, pk)
        return HttpResponse(headers={**headers_of(export), "Content-Length": str(export.bytes)})


def _found(request: Request, pk: str) -> Export:
    """The finished export that the link is for. Raises NotFound, and Gone or Conflict if there is nothing to fetch."""
    rows = Export.objects.live().select_related("domain", "account").filter(account__is_active=True)
    export = find_or_none(rows, pk)
    query = request.query_params
    try:
        if export is None or export.account is None:
            raise NotFound(NOT_FOUND)
        links.check(export, query.get("expires", ""), query.get("signature", ""))
    except links.Forged:
        raise NotFound(NOT_FOUND) from None
    except links.Expired:
        raise Gone(LINK_EXPIRED) from None
    visible = Export.objects.live().visible_to(export.account).with_role(export.account).filter(pk=export.pk).first()
    if visible is None:
        raise NotFound(NOT_FOUND)
    if refusal := _refusal(export):
        raise refusal
    identify(who=export.account.get_username())
    act_by_role(visible, export.account)
    return export


def _refusal(export: Export) -> APIException | None:
    if export.status in (Export.State.EXPIRED, Export.State.FAILED):
        return Gone(GONE)
    return None if export.state == Export.State.READY else Conflict(NOT_READY)
