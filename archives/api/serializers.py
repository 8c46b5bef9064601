"""Requests and answers of exports (docs/api/exports.md)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.reverse import reverse

from archives.exports.links import query_of
from archives.models import Export
from rest.fields import Boolean, SchemaOnly, TextOrNull, Timestamp
from rest.serializers import Body, ReadModelSerializer, ReadSerializer


class ProgressSerializer(ReadSerializer[Any]):
    """`mails`: those that are in the archive already, of `mailsTotal` at the beginning. More may arrive."""

    mails = serializers.SerializerMethodField()
    mailsTotal = serializers.IntegerField(source="mails")
    bytes = serializers.IntegerField()

    def get_mails(self, export: Export) -> int:
        return int(export.counts.get("mails", 0))


class ExportSerializer(ReadModelSerializer[Export]):
    domainId = serializers.CharField(source="domain_id")
    domain = serializers.CharField(source="domain_name")
    status = serializers.CharField()
    includesSecrets = serializers.BooleanField(source="includes_secrets")
    progress = ProgressSerializer(source="*")
    missingMails = serializers.SerializerMethodField()
    problem = TextOrNull()
    createdAt = Timestamp(source="created_at")
    finishedAt = Timestamp(source="finished_at")
    expiresAt = Timestamp(source="expires_at")
    downloadUrl = SchemaOnly("string", nullable=True)

    class Meta:
        model = Export
        fields = [
            "id", "domainId", "domain", "status", "includesSecrets", "progress", "missingMails", "problem", "createdAt",
            "finishedAt", "expiresAt", "downloadUrl",
        ]  # fmt: skip

    def to_representation(self, instance: Export) -> dict[str, Any]:
        return {**super().to_representation(instance), "downloadUrl": self._link(instance)}

    def _link(self, export: Export) -> str | None:
        """A key that only reads gets no link to an archive with secrets, because the link needs no key."""
        request = self.context["request"]
        if export.state != Export.State.READY or (export.includes_secrets and not request.auth.can_write):
            return None
        return f"{reverse('export-download', args=[export.pk], request=request)}?{query_of(export)}"

    def get_missingMails(self, export: Export) -> int:
        return int(export.counts.get("missing", 0))


class ExportBody(Body):
    answer = ExportSerializer

    includeSecrets = Boolean(required=False, source="includes_secrets")
