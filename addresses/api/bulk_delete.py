"""Request and answer of `POST /email-addresses/bulk-delete`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from addresses.api.serializers import CleanupSerializer
from addresses.deletion import AddressDeletion
from rest.fields import Optional, SchemaOnly, Text, like
from rest.serializers import Body

MOST_AT_ONCE = 1000
RESULT = {"id": "Xn5Jv2c8RkTqLw0sBdYgA", "deleted": True}
CLEANUP = {
    "sesRuleUpdated": True,
    "emailAddress": "hello@example.org",
    "domain": "example.org",
    "warning": Optional("SES rule update failed."),
    "restorableUntil": Optional("2026-12-26T10:30:00.000Z"),
}


@dataclass(frozen=True, slots=True)
class BulkDeletion:
    """The requested ids and the outcome of each deletion, by id. `remaining`: the addresses left, if a domain was requested.

    `refused`: the sentences for those that the caller sees and may not delete.
    """

    ids: Sequence[str]
    deleted: Mapping[str, AddressDeletion]
    refused: Mapping[str, str]
    remaining: int | None


class BulkDeletionSerializer(serializers.Serializer[BulkDeletion]):
    """One result for each id, in the order of the request. The context has the view, whose `not_found` is the error."""

    results = SchemaOnly(like([{**RESULT, "cleanup": Optional(CLEANUP), "error": Optional("Email address not found")}]))
    summary = SchemaOnly(like({"requested": 2, "deleted": 1, "sesConfirmed": 1, "remaining": Optional(0)}))

    def to_representation(self, instance: BulkDeletion) -> dict[str, Any]:
        deleted = instance.deleted
        summary = {
            "requested": len(instance.ids),
            "deleted": len(deleted),
            "sesConfirmed": sum(outcome.removed_from_ses for outcome in deleted.values()),
        }
        if instance.remaining is not None:
            summary["remaining"] = instance.remaining
        errors = instance.refused
        return {
            "results": [self._result(pk, deleted.get(pk), errors.get(pk)) for pk in instance.ids],
            "summary": summary,
        }

    def _result(self, pk: str, deletion: AddressDeletion | None, refusal: str | None) -> dict[str, Any]:
        if deletion is None:
            return {"id": pk, "deleted": False, "error": refusal or self.context["view"].not_found}
        return {"id": pk, "deleted": True, "cleanup": CleanupSerializer(deletion).data}


class BulkDeleteBody(Body):
    """Either ids or a domain."""

    answer = BulkDeletionSerializer

    ids = serializers.ListField(child=Text(), required=False, allow_empty=False, max_length=MOST_AT_ONCE)
    domainId = Text(required=False, source="domain_id")

    def to_internal_value(self, data: Any) -> Any:
        if set(data) - {"ids", "domainId"}:
            raise ValidationError(
                {"error": "bulk-delete takes ids or domainId, and nothing else. Nothing was deleted."}
            )
        if ("ids" in data) == ("domainId" in data):
            raise ValidationError({"error": "Give either ids or domainId"})
        ids = data.get("ids", [""])
        if not isinstance(ids, list) or not 1 <= len(ids) <= MOST_AT_ONCE or not all(type(pk) is str for pk in ids):
            raise ValidationError({"error": f"ids must be a list of 1 to {MOST_AT_ONCE} strings"})
        return super().to_internal_value(data)

    def validate(self, attrs: Any) -> Any:
        if "domain_id" in attrs and self.context["request"].headers.get("Idempotency-Key"):
            # The retry of a run that was killed after its commit would delete the next thousand.
            raise ValidationError("With an Idempotency-Key, bulk-delete takes ids. Nothing was deleted.")
        return attrs
