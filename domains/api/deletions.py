"""`/deletions`: the reports of the caller's domain deletions, which outlive the domains (docs/api/deletion.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from domains.api import deletion_serializers
from domains.deletion.report import sync_states_of
from domains.grace.period import NotInGrace
from domains.grace.restore import restore
from domains.lists import NAME
from domains.models import DomainDeletion
from rest.access.roles import Deed
from rest.errors import Conflict
from rest.filters import FlagFilter
from rest.viewsets import OwnedViewSet


class DeletionViewSet(ListModelMixin, RetrieveModelMixin, OwnedViewSet[DomainDeletion]):
    queryset = DomainDeletion.objects.order_by("-started_at", "id")
    not_found = "Deletion not found"
    serializer_class = deletion_serializers.ReportSerializer
    serializer_classes = {
        "retrieve": deletion_serializers.ReportWithDnsSerializer,
        "restore": deletion_serializers.RestoredSerializer,
    }
    filters = [
        FlagFilter("finished", lambda rows, finished: rows.filter(finished_at__isnull=not finished)),
        NAME,
    ]
    deeds = {"restore": Deed.DELETE}
    errors = {NotInGrace: lambda error: Conflict({"error": error.sentence, "code": "NOT_RESTORABLE"})}

    def get_queryset(self) -> Any:
        rows: Any = super().get_queryset()
        return rows.with_role(self.caller) if self.action == "list" else rows

    def serializer_facts(self, rows: Sequence[DomainDeletion]) -> dict[str, Any]:
        return {"sync_states": sync_states_of(rows)}

    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: str) -> Response:
        """Restore a deleted domain in its grace period, with everything that it had."""
        deletion = self.get_object()
        restored: Any = restore(deletion, restored_by=self.caller.get_username())
        return Response(self.get_serializer(restored).data)
