"""Answers about domain deletions: the answer to DELETE, the report, and the plan (docs/api/deletion.md)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from backoffice.text import moment
from domains.deletion import report
from domains.deletion.record import warning
from domains.deletion_plan import shapes
from domains.models import DomainDeletion, Step
from rest.access.roles import Deed, may
from rest.access.rows import role_of
from rest.fields import (
    Constant,
    Json,
    Optional,
    OrNull,
    SchemaOnly,
    TextOrNull,
    Timestamp,
    like,
    timestamp,
    timestamp_or_none,
)
from rest.serializers import Answer, ReadSerializer


class DeletionPlanSerializer(serializers.Serializer[dict[str, Any]]):
    """The values of a domain's plan (docs/api/plans.md)."""

    domain = Json(like(shapes.DOMAIN))
    token = serializers.CharField()
    isCertain = serializers.BooleanField()
    # Only with a grace period.
    graceDays = SchemaOnly("integer", optional=True)
    restorableUntil = SchemaOnly(Timestamp.schema, optional=True)
    receiptRules = Json(shapes.RULES)
    sesIdentity = Json(like({"outcome": "deleted", "note": OrNull("SES is asked first.")}))
    sesCalls = Json(shapes.CALLS)
    sesConfirmedAt = Timestamp()
    sesProblems = Json(shapes.SENTENCES)
    receivedEmails = Json(like(shapes.MAIL))
    storedMail = Json(shapes.STORED_MAIL)
    rows = Json(shapes.ROWS)
    losesAccess = SchemaOnly(like([{"user": "jo", "role": "viewer"}]), optional=True)
    stays = Json(shapes.STAYS)

    def to_representation(self, instance: dict[str, Any]) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if "graceDays" in instance:
            shown["graceDays"] = instance["graceDays"]
            shown["restorableUntil"] = timestamp(instance["restorableUntil"])
        return shown | {name: instance[name] for name in ("losesAccess",) if name in instance}


MOMENT = "2026-11-26T10:30:00.000Z"
STEPS = like(
    [
        {
            "step": "receiptRules",
            "outcome": "done",
            "at": OrNull(MOMENT),
            "attempts": 1,
            "counts": {},
            "problem": OrNull("AWS is throttling our calls."),
            "nextAttemptAt": OrNull(MOMENT),
            "location": Optional("s3://inbound-mail/emails/example.org/indm_V1StGXR8Z5jdHi6BmyTkq/"),
        }
    ]
)
CHECKED = {"receiptRules": True, "identity": True, "receivedEmails": True, "storedMail": True}
CONFIRMATION = like(
    OrNull(
        {
            "confirmedAt": OrNull(MOMENT),
            "lookedAt": OrNull(MOMENT),
            **CHECKED,
            "found": ["inbound-example.org-rule"],
            "foreignRules": ["legacy"],
            "problem": OrNull("S3 does not answer."),
            "lookAgainAt": OrNull(MOMENT),
        }
    )
)


class ReportSerializer(ReadSerializer[DomainDeletion]):
    """The report of a deletion. The context has `sync_states` by domain name, see `report.sync_states_of`."""

    id = serializers.CharField(source="pk")
    domainId = serializers.CharField(source="domain_id")
    domain = serializers.CharField(source="name")
    requestedBy = TextOrNull(source="requested_by")
    requestedAt = Timestamp(source="started_at")
    finishedAt = Timestamp(source="finished_at")
    planToken = TextOrNull(source="plan_token")
    # Only if there was a grace period, and only if the domain was restored.
    restorableUntil = SchemaOnly(Timestamp.schema, optional=True)
    gracePeriodEndedAt = SchemaOnly(Timestamp.schema, optional=True)
    restoredAt = SchemaOnly(Timestamp.schema, optional=True)
    restoredBy = SchemaOnly(TextOrNull.schema, optional=True)
    steps = SchemaOnly(STEPS)
    owed = SchemaOnly(like(["storedMail"]))
    nextAttemptAt = SchemaOnly("string", nullable=True)
    confirmation = SchemaOnly(CONFIRMATION)

    def to_representation(self, instance: DomainDeletion) -> dict[str, Any]:
        values = self.values_of(instance)
        return values if may(role_of(instance), Deed.SEE_PRIVATE) else report.for_readers(values)

    def values_of(self, deletion: DomainDeletion) -> dict[str, Any]:
        """What its owner is told."""
        ses = self.context["sync_states"].get(deletion.name)
        return super().to_representation(deletion) | report.progress(deletion, ses)


class ReportWithDnsSerializer(ReportSerializer):
    """A report with the state in DNS of the records that the owner had to publish.

    The lookup may take DNS_TIMEOUT_SECONDS. It never raises.
    """

    dns = SchemaOnly(like({"note": OrNull(report.NEEDED_AGAIN), "records": [shapes.LOOKED_UP]}))

    def values_of(self, deletion: DomainDeletion) -> dict[str, Any]:
        return super().values_of(deletion) | {"dns": report.dns_of(deletion).as_values()}


class DeletedResourcesSerializer(ReadSerializer[DomainDeletion]):
    domain = serializers.CharField(source="name")
    emailAddresses = serializers.IntegerField(source="email_addresses")
    dnsRecords = serializers.IntegerField(source="dns_records")
    blockedEmails = serializers.IntegerField(source="blocked_emails")
    sesIdentity = serializers.SerializerMethodField()
    sesReceiptRules = serializers.SerializerMethodField()

    def get_sesIdentity(self, deletion: DomainDeletion) -> bool:
        return deletion.identity == Step.DONE

    def get_sesReceiptRules(self, deletion: DomainDeletion) -> bool:
        return deletion.rules == Step.DONE


class DeletionSerializer(Answer):
    """The answer to DELETE /domains/{id} (docs/api/compatibility.md, "Domain deletion")."""

    success = Constant(True)
    message = serializers.SerializerMethodField()
    deletedResources = DeletedResourcesSerializer(source="*")
    deletionId = serializers.CharField(source="pk")
    warning = serializers.SerializerMethodField()
    # Only in a grace period.
    restorableUntil = Timestamp(source="restorable_until")
    # Only if another DELETE finds the deletion unfinished.
    report = SchemaOnly("object", optional=True)

    optional = ("warning", "restorableUntil")

    def get_message(self, deletion: DomainDeletion) -> str:
        if deletion.restorable_until is not None:
            until = moment(deletion.restorable_until)
            return f"Deleted domain {deletion.name}. Until {until} it can be restored with all associated resources"
        return f"Successfully deleted domain {deletion.name} and all associated resources"

    def get_warning(self, deletion: DomainDeletion) -> str | None:
        return warning(deletion)


class UnfinishedDeletionSerializer(DeletionSerializer):
    """The answer to another DELETE: the same, with a report, which needs its context."""

    def to_representation(self, instance: DomainDeletion) -> dict[str, Any]:
        return super().to_representation(instance) | {"report": ReportSerializer(instance, context=self.context).data}


class RestoredSerializer(Answer):
    """The answer to POST /deletions/{id}/restore."""

    success = Constant(True)
    deletionId = serializers.CharField(source="deletion.pk")
    domainId = serializers.CharField(source="domain.pk")
    domain = serializers.CharField(source="domain.name")
    restoredAt = Timestamp(source="deletion.restored_at")
    warning = serializers.CharField()


RESTORE_OR_AFRESH = (
    "POST /deletions/{deletionId}/restore restores it as it was. To start afresh, add it with startAfresh: true; everything that "
    "it had is then deleted for good."
)


def restorable(deletion: DomainDeletion, sentence: str) -> dict[str, Any]:
    """What the owner of a name can do, who adds it in its grace period: the members of the refusal."""
    return {
        "error": f"{sentence} {RESTORE_OR_AFRESH}",
        "code": "DOMAIN_RESTORABLE",
        "deletionId": deletion.pk,
        "restorableUntil": timestamp_or_none(deletion.restorable_until),
    }
