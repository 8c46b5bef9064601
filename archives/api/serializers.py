"""Requests and answers of exports (docs/api/exports.md)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.reverse import reverse

from archives.exports.links import query_of
from archives.models import Export
from rest.fields import Boolean, TextOrNull, Timestamp
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
    downloadUrl = serializers.SerializerMethodField()

    class Meta:
        model = Export
        fields = [
            "id", "domainId", "domain", "status", "includesSecrets", "progress", "missingMails", "problem", "createdAt",
            "finishedAt", "expiresAt", "downloadUrl",
        ]  # fmt: skip

    def to_representation(self, instance: Export) -> dict[str, Any]:
        """A key that only reads gets no link to an archive with secrets, because the link needs no key."""
        shown = super().to_representation(instance)
        if instance.includes_secrets and not self.context["request"].auth.can_write:
            shown["downloadUrl"] = None
        return shown

    def get_missingMails(self, export: Export) -> int:
        return int(export.counts.get("missing", 0))

    def get_downloadUrl(self, export: Export) -> str | None:
        if export.state != Export.State.READY:
            return None
        return f"{reverse('export-download', args=[export.pk])}?{query_of(export)}"


class ExportBody(Body):
    answer = ExportSerializer

    includeSecrets = Boolean(required=False, source="includes_secrets")
