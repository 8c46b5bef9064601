"""Answers about domain deletions: the answer to DELETE, the report, and the plan (docs/api/deletion.md)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from rest_framework import serializers

from domains.deletion import proof
from domains.deletion.record import Step, warning
from domains.deletion_plan import render
from domains.deletion_plan.model import DeletionPlan
from domains.dns import leftovers
from domains.dns.leftovers import lookup_as_json
from domains.dns.records import Record
from domains.models import Domain, DomainDeletion
from rest.fields import Added, TextOrNull, Timestamp, timestamp
from ses_integration.api import SyncState, sync_states

NEEDED_AGAIN = "You have added the domain again, so it needs its DNS records."
NOT_KNOWN = "No DNS record is known that was to be published for the domain."


class DeletionPlanSerializer(serializers.Serializer[DeletionPlan]):
    domain = Added("object")
    token = Added("string")
    isCertain = Added("boolean")
    receiptRules = Added("array")
    sesIdentity = Added("object")
    sesCalls = Added("object")
    sesConfirmedAt = Added("string", nullable=True)
    sesProblems = Added("array")
    storedMail = Added("object")
    rows = Added("object")
    stays = Added("object")

    def to_representation(self, instance: DeletionPlan) -> dict[str, Any]:
        return render.as_json(instance)


class DeletionSerializer(serializers.Serializer[DomainDeletion]):
    """The answer to DELETE /domains/{id} (docs/api/compatibility.md, "Domain deletion")."""

    success = Added("boolean")
    message = Added("string")
    deletedResources = Added("object")
    deletionId = Added("string")
    warning = Added("string")
    # Only if another DELETE finds the deletion unfinished.
    report = Added("object")

    def to_representation(self, instance: DomainDeletion) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "success": True,
            "message": f"Successfully deleted domain {instance.name} and all associated resources",
            "deletedResources": {
                "domain": instance.name,
                "emailAddresses": instance.email_addresses,
                "dnsRecords": instance.dns_records,
                "blockedEmails": instance.blocked_emails,
                "sesIdentity": instance.identity == Step.DONE,
                "sesReceiptRules": instance.rules == Step.DONE,
            },
            "deletionId": instance.pk,
        }
        text = warning(instance)
        return shown | ({"warning": text} if text else {})


class UnfinishedDeletionSerializer(DeletionSerializer):
    """The answer to another DELETE: the same, with a report."""

    def to_representation(self, instance: DomainDeletion) -> dict[str, Any]:
        report = ReportSerializer(instance, context={"sync_states": sync_states_of([instance])})
        return super().to_representation(instance) | {"report": report.data}


class ReportSerializer(serializers.Serializer[DomainDeletion]):
    """The report of a deletion. The context has `sync_states` by domain name, see `sync_states_of`."""

    id = serializers.CharField(source="pk")
    domainId = serializers.CharField(source="domain_id")
    domain = serializers.CharField(source="name")
    requestedBy = TextOrNull(source="requested_by")
    requestedAt = Timestamp(source="started_at")
    finishedAt = Timestamp(source="finished_at")
    planToken = TextOrNull(source="plan_token")
    steps = Added("array")
    owed = Added("array")
    nextAttemptAt = Added("string", nullable=True)
    confirmation = Added("object", nullable=True)

    def to_representation(self, instance: DomainDeletion) -> dict[str, Any]:
        ses = self.context["sync_states"].get(instance.name)
        return super().to_representation(instance) | _progress(instance, ses)


class ReportWithDnsSerializer(ReportSerializer):
    """A report with the records still in DNS. The lookup may take DNS_TIMEOUT_SECONDS."""

    dns = Added("object")

    def to_representation(self, instance: DomainDeletion) -> dict[str, Any]:
        return super().to_representation(instance) | {"dns": still_in_dns(instance)}


def sync_states_of(rows: Sequence[DomainDeletion]) -> dict[str, SyncState]:
    """States of the names with deletions that are pending in SES; three statements, or none if there are no such names.

    All rows must belong to one owner. Leaves out names that another user has added meanwhile, because their state is private.
    """
    names = {row.name for row in rows if Step.PENDING in (row.rules, row.identity)}
    if names:
        others = Domain.objects.filter(name__in=names).exclude(owner_id=rows[0].owner_id)
        names -= set(others.values_list("name", flat=True))
    return sync_states(names) if names else {}


def _progress(row: DomainDeletion, ses: SyncState | None) -> dict[str, Any]:
    steps = _steps(row, ses)
    pending = [step for step in steps if step["outcome"] == Step.PENDING]
    return {
        "steps": steps,
        "owed": [step["step"] for step in pending],
        # All are texts of the same format in UTC, so they sort by time.
        "nextAttemptAt": min((step["nextAttemptAt"] for step in pending if step["nextAttemptAt"]), default=None),
        "confirmation": _confirmation(row),
    }


def _steps(row: DomainDeletion, ses: SyncState | None) -> list[dict[str, Any]]:
    """The steps, in the documented order. `nextAttemptAt` is null for a pending step that is due now."""

    def step(
        name: str,
        outcome: str,
        at: datetime | None,
        counts: dict[str, int],
        *,
        attempts: int,
        problem: str = "",
        retry_at: datetime | None = None,
    ) -> dict[str, Any]:
        pending = outcome == Step.PENDING
        return {
            "step": name,
            "outcome": outcome,
            "at": None if pending else _moment(at),
            "attempts": attempts,
            "counts": counts,
            "problem": (problem or None) if pending else None,
            "nextAttemptAt": _moment(retry_at) if pending else None,
        }

    in_ses = partial(
        step,
        attempts=row.ses_attempts,
        problem=ses.reason if ses else "",
        retry_at=ses.retry_at if ses else None,
    )
    stored = step(
        "storedMail",
        row.stored_mail,
        row.stored_mail_at,
        {
            "versions": row.erased_versions,
            "deleteMarkers": row.erased_delete_markers,
            "bytes": row.erased_bytes,
            "cameLate": row.late_versions,
            "keptByStorage": row.kept_versions,
        },
        attempts=row.attempts,
        problem=row.problem,
        retry_at=row.retry_at if row.problem else None,
    )
    if row.stored_mail == Step.KEPT:
        stored["location"] = str(row.mail)
    return [
        in_ses("receiptRules", row.rules, row.rules_at, {"rules": len(row.rule_names)}),
        in_ses("identity", row.identity, row.identity_at, {}),
        step(
            "records",
            row.rows,
            row.rows_at,
            {
                "blockedEmails": row.blocked_emails,
                "emailAddresses": row.email_addresses,
                "dnsRecords": row.dns_records,
                "domains": int(row.rows == Step.DONE),
            },
            attempts=int(row.rows == Step.DONE),
        ),
        stored,
    ]


def _confirmation(row: DomainDeletion) -> dict[str, Any] | None:
    """The last verification in SES and S3, or null before the first.

    `confirmedAt` is null if it found something, if it failed, or if it is due and cannot be done.
    """
    scope_problem = proof.scope_problem(row)
    if not row.proof and not scope_problem:
        return None
    seen: dict[str, Any] = proof.UNVERIFIED | row.proof
    seen["problem"] = scope_problem or seen["problem"] or None
    confirmed = None if scope_problem else _moment(row.proved_at)
    return {"confirmedAt": confirmed, **seen, "lookAgainAt": _moment(row.look_again_at)}


def still_in_dns(row: DomainDeletion) -> dict[str, Any]:
    """The state in DNS of the records that the owner had to publish. Asks DNS and never raises."""
    told = [Record(record["type"], record["name"], record["value"], "") for record in row.records_to_publish]
    note = None
    if Domain.objects.live().filter(name=row.name, owner_id=row.owner_id).exists():
        told, note = [], NEEDED_AGAIN
    elif not told:
        note = NOT_KNOWN
    return {"note": note, "records": [lookup_as_json(record) for record in leftovers.look_up(told)]}


def _moment(moment: datetime | None) -> str | None:
    return timestamp(moment) if moment else None
