"""Answers about domain deletions: the answer to DELETE, the report, and the plan (docs/api/deletion.md)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rest_framework import serializers

from domains.deletion import proof
from domains.deletion.record import warning
from domains.dns import leftovers
from domains.dns.records import stored_record
from domains.models import Domain, DomainDeletion, Step
from rest.fields import Constant, SchemaOnly, TextOrNull, Timestamp, timestamp_or_none
from rest.serializers import Answer, ReadSerializer
from ses_integration.api import SyncState

# The number of attempts, the last problem, and the time of the next attempt.
Attempts = tuple[int, str, datetime | None]
# Names of the steps on the wire, by field.
STEP_NAMES = {
    "rules": "receiptRules",
    "identity": "identity",
    "rows": "records",
    "received_emails": "receivedEmails",
    "stored_mail": "storedMail",
}
NEEDED_AGAIN = "You have added the domain again, so it needs its DNS records."
NOT_KNOWN = "No DNS record is known that was to be published for the domain."


class DeletionPlanSerializer(serializers.Serializer[dict[str, Any]]):
    """The values of a domain's plan (docs/api/plans.md)."""

    domain = serializers.DictField()
    token = serializers.CharField()
    isCertain = serializers.BooleanField()
    receiptRules = serializers.ListField()
    sesIdentity = serializers.DictField()
    sesCalls = serializers.DictField()
    sesConfirmedAt = Timestamp()
    sesProblems = serializers.ListField()
    receivedEmails = serializers.DictField()
    storedMail = serializers.DictField()
    rows = serializers.DictField()
    stays = serializers.DictField()


class ReportSerializer(ReadSerializer[DomainDeletion]):
    """The report of a deletion. The context has `sync_states` by domain name, see `sync_states_of`."""

    id = serializers.CharField(source="pk")
    domainId = serializers.CharField(source="domain_id")
    domain = serializers.CharField(source="name")
    requestedBy = TextOrNull(source="requested_by")
    requestedAt = Timestamp(source="started_at")
    finishedAt = Timestamp(source="finished_at")
    planToken = TextOrNull(source="plan_token")
    steps = SchemaOnly("array")
    owed = SchemaOnly("array")
    nextAttemptAt = SchemaOnly("string", nullable=True)
    confirmation = SchemaOnly("object", nullable=True)

    def to_representation(self, instance: DomainDeletion) -> dict[str, Any]:
        steps = _steps(instance, self.context["sync_states"].get(instance.name))
        return super().to_representation(instance) | {
            "steps": steps,
            "owed": [STEP_NAMES[field] for field in instance.pending_steps],
            # All are texts of the same format in UTC, so they sort by time.
            "nextAttemptAt": min(filter(None, (step["nextAttemptAt"] for step in steps)), default=None),
            "confirmation": _confirmation(instance),
        }


class ReportWithDnsSerializer(ReportSerializer):
    """A report with the state in DNS of the records that the owner had to publish.

    The lookup may take DNS_TIMEOUT_SECONDS. It never raises.
    """

    dns = SchemaOnly("object")

    def to_representation(self, instance: DomainDeletion) -> dict[str, Any]:
        told = [
            stored_record(instance.name, row["type"], row["name"], row["value"]) for row in instance.records_to_publish
        ]
        note = None if told else NOT_KNOWN
        if Domain.objects.live().filter(name=instance.name, owner_id=instance.owner_id).exists():
            told, note = [], NEEDED_AGAIN
        records = [leftovers.lookup_as_json(record) for record in leftovers.look_up(told)]
        return super().to_representation(instance) | {"dns": {"note": note, "records": records}}


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
    # Only if another DELETE finds the deletion unfinished.
    report = SchemaOnly("object")

    def get_message(self, deletion: DomainDeletion) -> str:
        return f"Successfully deleted domain {deletion.name} and all associated resources"

    def get_warning(self, deletion: DomainDeletion) -> str | None:
        return warning(deletion)


class UnfinishedDeletionSerializer(DeletionSerializer):
    """The answer to another DELETE: the same, with a report, which needs its context."""

    def to_representation(self, instance: DomainDeletion) -> dict[str, Any]:
        return super().to_representation(instance) | {"report": ReportSerializer(instance, context=self.context).data}


def sync_states_of(rows: Sequence[DomainDeletion]) -> dict[str, SyncState]:
    """States of the names with deletions that are pending in SES; two statements, or none if there are no such names.

    All rows must belong to one owner. Leaves out names that another user has added meanwhile, because their state is private.
    """
    names = {row.name for row in rows if Step.PENDING in (row.rules, row.identity)}
    if names:
        others = Domain.objects.filter(name__in=names).exclude(owner_id=rows[0].owner_id)
        names -= set(others.values_list("name", flat=True))
    return SyncState.by_domain(names) if names else {}


def _steps(row: DomainDeletion, ses: SyncState | None) -> list[dict[str, Any]]:
    """The steps, in the documented order."""
    rows = {
        "blockedEmails": row.blocked_emails,
        "emailAddresses": row.email_addresses,
        "dnsRecords": row.dns_records,
        "domains": int(row.rows == Step.DONE),
    }
    emails = {
        "emails": row.erased_emails,
        "attachments": row.erased_attachments,
        "bytes": row.erased_email_bytes,
    }
    mail = {
        "versions": row.erased_versions,
        "deleteMarkers": row.erased_delete_markers,
        "bytes": row.erased_bytes,
        "cameLate": row.late_versions,
        "keptByStorage": row.kept_versions,
    }
    in_ses = (row.ses_attempts, ses.reason if ses else "", ses.next_try if ses else None)
    # Without a problem, `retry_at` is the time until which a process has claimed the prefix.
    in_s3 = (row.attempts, row.problem, row.retry_at if row.problem else None)
    steps = [
        _step(row, "rules", {"rules": len(row.rule_names)}, in_ses),
        _step(row, "identity", {}, in_ses),
        _step(row, "rows", rows, (rows["domains"], "", None)),
        _step(row, "received_emails", emails, (int(row.received_emails == Step.DONE), "", None)),
        _step(row, "stored_mail", mail, in_s3),
    ]
    if row.stored_mail == Step.KEPT:
        steps[-1]["location"] = str(row.mail)
    return steps


def _step(row: DomainDeletion, field: str, counts: dict[str, int], attempts: Attempts) -> dict[str, Any]:
    """`nextAttemptAt` is null for a pending step that is due now."""
    outcome, (number, problem, retry_at) = getattr(row, field), attempts
    pending = outcome == Step.PENDING
    return {
        "step": STEP_NAMES[field],
        "outcome": outcome,
        "at": None if pending else timestamp_or_none(getattr(row, f"{field}_at")),
        "attempts": number,
        "counts": counts,
        "problem": (problem or None) if pending else None,
        "nextAttemptAt": timestamp_or_none(retry_at) if pending else None,
    }


def _confirmation(row: DomainDeletion) -> dict[str, Any] | None:
    """The last verification in SES and S3, or null before the first.

    `confirmedAt` is null if it found something, if it failed, or if it is due and cannot be done.
    """
    scope_problem = proof.scope_problem(row)
    if not row.proof and not scope_problem:
        return None
    seen: dict[str, Any] = proof.UNVERIFIED | row.proof
    seen["problem"] = scope_problem or seen["problem"] or None
    confirmed = None if scope_problem else timestamp_or_none(row.proved_at)
    return {"confirmedAt": confirmed, **seen, "lookAgainAt": timestamp_or_none(row.look_again_at)}
