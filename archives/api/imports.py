"""`/imports` (docs/api/imports.md)."""

from __future__ import annotations

from typing import Any

from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from archives.api.import_serializers import (
    ImportBody,
    ImportPlanSerializer,
    ImportSerializer,
    ListedImportSerializer,
)
from archives.api.upload import ArchiveParser, place, received
from archives.format.reading.refusal import Refused as ArchiveRefused
from archives.imports.refusals import CannotImport
from archives.imports.service import prepare
from archives.models import Import
from archives.uploads.room import limits
from archives.uploads.start import foresee_upload, import_archive, require_bucket
from rest.errors import Conflict, Refused
from rest.filters import IdFilter
from rest.viewsets import OwnedViewSet
from ses_integration.api import NotConfigured, release_connection

NO_BUCKET = "Mail can only be imported into a bucket, and none is configured. Ask whoever runs this installation."


class ImportViewSet(ListModelMixin, RetrieveModelMixin, OwnedViewSet[Import]):
    # The ids of large domains have megabytes.
    queryset = Import.objects.live().defer("ids").order_by("-created_at", "id")
    not_found = "Import not found"
    serializer_class = ImportSerializer
    serializer_classes = {"list": ListedImportSerializer, "create": ImportBody}
    more_answers = {"create": {"200": ImportPlanSerializer, "202": ImportSerializer}}
    uploading = ("create",)
    parser_classes = (ArchiveParser,)
    filters = [IdFilter("domainId", "domain_id")]
    errors = {
        ArchiveRefused: lambda error: Refused({"error": str(error), "code": "ARCHIVE_REFUSED"}),
        CannotImport: lambda error: Conflict(error.values),
        NotConfigured: lambda _: Refused(NO_BUCKET),
    }

    def with_details(self, rows: Any) -> Any:
        return rows.defer(None) if self.action == "retrieve" else rows

    def create(self, request: Request) -> Response:
        """Import an archive of a domain."""
        # Receiving the file may take minutes.
        release_connection()
        with place(), received(request) as form:
            body: Any = self.get_serializer(data=form)
            body.is_valid(raise_exception=True)
            return self._import(**body.validated_data)

    def _import(self, file: Any, *, dry_run: bool, with_mail: bool) -> Response:
        if with_mail:
            require_bucket()
        prepared = prepare(file, self.caller, limits())
        if dry_run:
            return Response(ImportPlanSerializer(foresee_upload(prepared, with_mail=with_mail)).data)
        row = import_archive(prepared, file, with_mail=with_mail)
        waits = row.state in Import.UNFINISHED
        return Response(ImportSerializer(row).data, status=202 if waits else 201)
