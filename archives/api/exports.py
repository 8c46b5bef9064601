"""`/exports` and `/domains/{id}/exports` (docs/api/exports.md)."""

from __future__ import annotations

from typing import Any

from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from archives.api.serializers import ExportBody, ExportSerializer
from archives.exports.service import AlreadyRunning, start_export
from archives.models import Export
from domains.models import Domain
from rest.access.roles import Deed, may, refusal
from rest.access.rows import role_of
from rest.errors import Conflict, Unavailable
from rest.filters import IdFilter
from rest.viewsets import OwnedViewSet
from ses_integration.api import NotConfigured

NO_BUCKET = "Exports need a bucket, and none is configured. Ask whoever runs this installation."


def _running(error: AlreadyRunning) -> Conflict:
    return Conflict({"error": str(error), "code": "EXPORT_RUNNING", "exportId": error.export.pk})


class DomainExportsViewSet(OwnedViewSet[Domain]):
    """`/domains/{id}/exports`. The app `domains` has the other paths."""

    queryset = Domain.objects.live()
    not_found = "Domain not found"
    serializer_class = ExportBody
    accepting = ("exports",)
    deeds = {"exports": Deed.EXPORT}
    errors = {AlreadyRunning: _running, NotConfigured: lambda _: Unavailable(NO_BUCKET)}

    @action(detail=True, methods=["post"])
    def exports(self, request: Request, pk: str) -> Response:
        """Export a domain as one zip file."""
        domain = self.get_object()
        body: Any = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        secrets = bool(body.validated_data.get("includes_secrets"))
        if secrets and not may(role_of(domain), Deed.EXPORT_SECRETS):
            raise PermissionDenied(refusal(Deed.EXPORT_SECRETS))
        export = start_export(domain=domain, account=self.caller, includes_secrets=secrets)
        return Response(ExportSerializer(export, context=self.get_serializer_context()).data, status=202)


class ExportViewSet(ListModelMixin, RetrieveModelMixin, OwnedViewSet[Export]):
    queryset = Export.objects.live().order_by("-created_at", "id")
    not_found = "Export not found"
    serializer_class = ExportSerializer
    filters = [IdFilter("domainId", "domain_id")]
