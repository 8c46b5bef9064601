"""The wire of domain deletions: the answer to DELETE, and the report with its proof.

See docs/api/compatibility.md, "Domain deletion".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from domains.deletion import proof
from domains.deletion.record import Step
from domains.deletion.service import warning
from domains.dns import leftovers
from domains.dns.leftovers import published_as_json
from domains.dns.records import Record
from domains.models import Domain, DomainDeletion
from rest.fields import timestamp
from ses_integration.api import SyncState, SyncStatus, mail_location, sync_states

NEEDED_AGAIN = "You have added the domain again, so it needs its DNS records."
UNTROUBLED = SyncState(SyncStatus.UP_TO_DATE)
NOT_KNOWN = "No DNS record is known that was to be published for the domain."


def deleted(record: DomainDeletion) -> dict[str, Any]:
    """The answer to DELETE /domains/{id}, from the record of the deletion as it stands."""
    shown: dict[str, Any] = {
        "success": True,
        "message": f"Successfully deleted domain {record.name} and all associated resources",
        "deletedResources": {
            "domain": record.name,
            "emailAddresses": record.email_addresses,
            "dnsRecords": record.dns_records,
            "blockedEmails": record.blocked_emails,
            "sesIdentity": record.identity == Step.DONE,
            "sesReceiptRules": record.rules == Step.DONE,
        },
        "deletionId": record.pk,
    }
    text = warning(record)
    return shown | ({"warning": text} if text else {})


def still_running(record: DomainDeletion) -> dict[str, Any]:
    """The answer to a second DELETE: the same, and how far it has come."""
    return deleted(record) | {"report": reports([record])[0]}


def reports(records: Iterable[DomainDeletion]) -> list[dict[str, Any]]:
    """What is known of each deletion of one owner; three statements for all that still owe something in SES, none otherwise."""
    rows = list(records)
    owing = {row.name for row in rows if Step.OWED in (row.rules, row.identity)}
    if owing:
        # Where somebody else has the name by now, SES's trouble with it is theirs.
        others = Domain.objects.filter(name__in=owing).exclude(owner_id=rows[0].owner_id)
        owing -= set(others.values_list("name", flat=True))
    known = sync_states(owing) if owing else {}
    return [_report(row, known) for row in rows]


def _report(row: DomainDeletion, known: Mapping[str, SyncState]) -> dict[str, Any]:
    steps = _steps(row, known.get(row.name, UNTROUBLED))
    pending = [step for step in steps if step["outcome"] == Step.OWED]
    return {
        "id": row.pk,
        "domainId": row.domain_id,
        "domain": row.name,
        "requestedBy": row.requested_by or None,
        "requestedAt": timestamp(row.started_at),
        "finishedAt": _moment(row.finished_at),
        "planToken": row.plan_token or None,
        "steps": steps,
        "owed": [step["step"] for step in pending],
        # Text of one format, in UTC: the first in the alphabet is the earliest.
        "nextAttemptAt": min((step["nextAttemptAt"] for step in pending if step["nextAttemptAt"]), default=None),
        "confirmation": _confirmation(row),
    }


def _steps(row: DomainDeletion, ses: SyncState) -> list[dict[str, Any]]:
    """In the documented order. `nextAttemptAt` is null for what is owed and due now."""

    def step(
        name: str, outcome: str, at: datetime | None, counts: dict[str, int], *, attempts: int, why: SyncState
    ) -> dict[str, Any]:
        pending = outcome == Step.OWED
        return {
            "step": name,
            "outcome": outcome,
            "at": None if pending else _moment(at),
            "attempts": attempts,
            "counts": counts,
            "problem": (why.reason or None) if pending else None,
            "nextAttemptAt": _moment(why.retry_at) if pending else None,
        }

    mail = SyncState(SyncStatus.PENDING, row.problem, row.retry_at if row.problem else None)
    tried = row.ses_attempts
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
        why=mail,
    )
    if row.stored_mail == Step.KEPT:
        stored["location"] = mail_location(row.key_prefix, bucket=row.bucket)
    return [
        step("receiptRules", row.rules, row.rules_at, {"rules": len(row.rule_names)}, attempts=tried, why=ses),
        step("identity", row.identity, row.identity_at, {}, attempts=tried, why=ses),
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
            why=UNTROUBLED,
        ),
        stored,
    ]


def _confirmation(row: DomainDeletion) -> dict[str, Any] | None:
    """The last look at SES and S3; null before the first. `confirmedAt` is null if it found something, or could not look,
    or if one is due that cannot be made."""
    out_of_sight = proof.out_of_sight(row)
    if not row.proof and not out_of_sight:
        return None
    seen: dict[str, Any] = proof.NOT_LOOKED | row.proof
    seen["problem"] = out_of_sight or seen["problem"] or None
    confirmed = None if out_of_sight else _moment(row.proved_at)
    return {"confirmedAt": confirmed, **seen, "lookAgainAt": _moment(row.look_again_at)}


def still_in_dns(row: DomainDeletion) -> dict[str, Any]:
    """Which of the records that the owner was told to publish are published now: asks DNS, and never raises."""
    told = [Record(it["type"], it["name"], it["value"], "") for it in row.told_records]
    note = None
    if Domain.objects.live().filter(name=row.name, owner_id=row.owner_id).exists():
        told, note = [], NEEDED_AGAIN
    elif not told:
        note = NOT_KNOWN
    return {"note": note, "records": [published_as_json(it) for it in leftovers.look_up(told)]}


def _moment(moment: datetime | None) -> str | None:
    return timestamp(moment) if moment else None
