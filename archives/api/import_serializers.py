"""Requests and answers of imports (docs/api/imports.md)."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from archives.imports.facts import notes_on_mail, plan_values, to_fill_in
from archives.imports.service import Foreseen
from archives.models import Import
from backoffice.text import listed, visible
from rest.fields import Constant, Json, Optional, OrNull, TextOrNull, Timestamp, like
from rest.filters import flag
from rest.schema.operations import FILE
from rest.serializers import Body, ReadModelSerializer, ReadSerializer

FILL_IN = "Endpoint CRM is inactive. The archive does not have its settings. Replace those that it has now. Then switch it on."
KEPT = "Mail that has arrived more than 90 days ago is erased again (MAIL_RETENTION_DAYS)."
OLD, NEW = "indm_u3KfVx0dLq7ZbN2sYpWcT", "indm_V1StGXR8Z5jdHi6BmyTkq"
IDS = {"type": "object", "additionalProperties": {"type": "string"}, "examples": [{OLD: NEW}]}
KINDS = ("domain", "endpoints", "addresses", "blockedEmails")
NEW_IDS = {"type": ["object", "null"], "properties": dict.fromkeys(KINDS, IDS), "required": list(KINDS)}
MOST_SHOWN = 50
MAIL = {"total": 61200, "stored": 50, "existing": 0, "missing": 0}
PLAN = {
    "endpoints": [{"id": "k3Fv0dLq7ZbN2sYpWcTxV", "name": "CRM", "type": "webhook", "isReused": False}],
    "addresses": 12,
    "blockedEmails": 3,
    "catchAllEndpointId": OrNull("k3Fv0dLq7ZbN2sYpWcTxV"),
    "mailFromLabel": OrNull("bounce"),
    "receiveDmarcEmails": False,
}


CONFLICT = {
    "error": "jo has deleted example.com. It can be restored until 2026-12-03 10:30:00 UTC. Restore it as it was: …",
    "code": "DOMAIN_RESTORABLE",
    "deletionId": Optional("del_u3KfVx0dLq7ZbN2sYpWcT"),
    "restorableUntil": Optional("2026-12-03T10:30:00.000Z"),
    "importId": Optional("imp_u3KfVx0dLq7ZbN2sYpWcT"),
}


class ListedImportSerializer(ReadModelSerializer[Import]):
    domainId = serializers.CharField(source="domain_id")
    domain = serializers.CharField(source="domain_name")
    status = serializers.CharField()
    existed = serializers.BooleanField()
    created = Json(like({"addresses": 12, "blockedEmails": 3, "endpoints": 1}), source="new_rows")
    mail = Json(like(OrNull(MAIL)))
    toFillIn = Json(like([FILL_IN]), source="to_fill_in")
    warning = TextOrNull()
    problem = TextOrNull()
    createdAt = Timestamp(source="created_at")
    finishedAt = Timestamp(source="finished_at")

    class Meta:
        model = Import
        fields = [
            "id", "domainId", "domain", "status", "existed", "created", "mail", "toFillIn", "warning", "problem", "createdAt",
            "finishedAt",
        ]  # fmt: skip


class ImportSerializer(ListedImportSerializer):
    ids = Json(NEW_IDS, source="new_ids")

    class Meta(ListedImportSerializer.Meta):
        fields = [*ListedImportSerializer.Meta.fields, "ids"]


class ImportPlanSerializer(ReadSerializer[Foreseen]):
    """The answer to a dry run."""

    dryRun = Constant(True)
    domain = serializers.CharField(source="prepared.plan.name")
    existed = serializers.BooleanField()
    plan = Json(like(PLAN))
    mail = Json(like(OrNull({"total": 61200, "bytes": 612443121, "notes": [KEPT]})))
    toFillIn = Json(like([FILL_IN]))
    conflict = Json(like(OrNull(CONFLICT)))

    def to_representation(self, instance: Foreseen) -> dict[str, Any]:
        prepared, existed = instance.prepared, instance.existing is not None
        counts = prepared.archive.manifest["counts"]
        return {
            "dryRun": True,
            "domain": prepared.plan.name,
            "existed": existed,
            "plan": plan_values(prepared.plan),
            "mail": {
                "total": counts["mails"],
                "bytes": counts["mailBytes"],
                "notes": notes_on_mail(),
            }
            if instance.with_mail
            else None,
            "toFillIn": [] if existed else to_fill_in(prepared.configuration),
            "conflict": instance.conflict.values if instance.conflict else None,
        }


class FormFlag(serializers.Field[bool, str, Any, Any]):
    """`true` or `false` in a form."""

    schema: ClassVar = {"type": "boolean"}

    def to_internal_value(self, data: Any) -> bool:
        return bool(flag(str(self.field_name), data))


class ArchiveFile(serializers.Field[Any, Any, Any, Any]):
    schema = FILE

    def to_internal_value(self, data: Any) -> Any:
        if not hasattr(data, "file"):
            raise ValidationError("file must be a file")
        return data.file


class ImportBody(Body):
    """Strict, because with `dryrun=true` somebody who wanted a dry run would import."""

    required_together = ("file",)
    answer = ImportSerializer

    file = ArchiveFile()
    dryRun = FormFlag(default=False, source="dry_run")
    withMail = FormFlag(default=False, source="with_mail")

    def to_internal_value(self, data: Any) -> Any:
        values = super().to_internal_value(data)
        if unknown := sorted(set(data) - set(self.fields)):
            name = visible(unknown[0])[:MOST_SHOWN]
            raise ValidationError(
                {"error": f"{name} is not a field of this form. Its fields are {listed(self.fields)}."}
            )
        return values
