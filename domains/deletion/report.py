"""The report of a deletion as values: for the API's answer, the admin page and whoever else shows it (docs/api/deletion.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.utils import timezone

from audit.origin import without_key
from domains.deletion import proof
from domains.dns import leftovers
from domains.dns.leftovers import RecordLookup
from domains.dns.records import stored_record
from domains.models import Domain, DomainDeletion, Step
from rest.fields import timestamp_or_none
from ses_integration.api import SyncState

# Names of the steps on the wire, by field.
STEP_NAMES = {
    "rules": "receiptRules",
    "identity": "identity",
    "rows": "records",
    "received_emails": "receivedEmails",
    "stored_mail": "storedMail",
}
NEEDED_AGAIN = "The domain was added again, so it needs its DNS records."
RESTORED = "The domain was restored, so it needs its DNS records."
MAY_BE_RESTORED = "The domain can still be restored, so leave its DNS records as they are."
NOT_KNOWN = "No DNS record is known that was to be published for the domain."


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step. `name` is the field of DomainDeletion. `next_try` is None for a pending step that is due now."""

    name: str
    outcome: str
    at: datetime | None
    attempts: int
    counts: Mapping[str, int]
    problem: str = ""
    next_try: datetime | None = None
    # Where the mail is that is kept.
    location: str = ""

    def as_values(self) -> dict[str, Any]:
        values = {
            "step": STEP_NAMES[self.name],
            "outcome": self.outcome,
            "at": timestamp_or_none(self.at),
            "attempts": self.attempts,
            "counts": self.counts,
            "problem": self.problem or None,
            "nextAttemptAt": timestamp_or_none(self.next_try),
        }
        return values | ({"location": self.location} if self.location else {})


@dataclass(frozen=True, slots=True)
class Dns:
    """The records that the owner had to publish, as they are in DNS now. `note` says why there are none."""

    note: str = ""
    records: Sequence[RecordLookup] = field(default_factory=list)

    def as_values(self) -> dict[str, Any]:
        return {"note": self.note or None, "records": [leftovers.lookup_as_json(record) for record in self.records]}


def steps_of(row: DomainDeletion, ses: SyncState | None) -> list[StepReport]:
    """The steps, in the documented order. `ses`: the state of the name in SES, see `sync_states_of`."""
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
    if row.exports and row.received_emails == Step.DONE:
        mail["exports"] = row.exports
    in_ses = (row.ses_attempts, ses.reason if ses else "", ses.next_try if ses else None)
    # Without a problem, `retry_at` is the time until which a process has claimed the prefix.
    in_s3 = (row.attempts, row.problem, row.retry_at if row.problem else None)
    location = str(row.mail) if row.stored_mail == Step.KEPT else ""
    steps = [
        _step(row, "rules", {"rules": len(row.rule_names)}, *in_ses),
        _step(row, "identity", {}, *in_ses),
        _step(row, "rows", rows, rows["domains"]),
        _step(row, "received_emails", emails, int(row.received_emails == Step.DONE)),
        _step(row, "stored_mail", mail, *in_s3, location=location),
    ]
    return [steps[0], *(_at_rest(row, step) for step in steps[1:])]


def _at_rest(row: DomainDeletion, step: StepReport) -> StepReport:
    """The step, as long as the grace period lasts: what is pending waits for its end."""
    lasts = row.in_grace and row.restorable_until is not None and row.restorable_until > timezone.now()
    if not lasts or step.outcome != Step.PENDING:
        return step
    return replace(step, problem="", next_try=row.restorable_until)


def _step(
    row: DomainDeletion,
    name: str,
    counts: Mapping[str, int],
    attempts: int,
    problem: str = "",
    next_try: datetime | None = None,
    *,
    location: str = "",
) -> StepReport:
    outcome = getattr(row, name)
    if outcome == Step.PENDING:
        return StepReport(name, outcome, None, attempts, counts, problem, next_try, location)
    return StepReport(name, outcome, getattr(row, f"{name}_at"), attempts, counts, location=location)


def sync_states_of(rows: Sequence[DomainDeletion]) -> dict[str, SyncState]:
    """States of the names with deletions that are pending in SES; two statements, or none if there are no such names.

    Leaves out names that another user than the owner has added meanwhile, because their state is private.
    """
    names = {row.name for row in rows if Step.PENDING in (row.rules, row.identity)}
    if names:
        owners = dict(Domain.objects.filter(name__in=names).values_list("name", "owner_id"))
        names -= {row.name for row in rows if owners.get(row.name, row.owner_id) != row.owner_id}
    return SyncState.by_domain(names) if names else {}


def dns_of(row: DomainDeletion) -> Dns:
    """The records in DNS. The look-up may take DNS_TIMEOUT_SECONDS. It never raises."""
    if row.in_grace:
        return Dns(MAY_BE_RESTORED)
    if Domain.objects.live().filter(name=row.name, owner_id=row.owner_id).exists():
        return Dns(RESTORED if row.restored_at else NEEDED_AGAIN)
    told = [stored_record(row.name, one["type"], one["name"], one["value"]) for one in row.records_to_publish]
    return Dns("" if told else NOT_KNOWN, leftovers.look_up(told))


def progress(row: DomainDeletion, ses: SyncState | None) -> dict[str, Any]:
    """The members of the report that say how far the deletion is."""
    steps = [step.as_values() for step in steps_of(row, ses)]
    return {
        **grace_period(row),
        "steps": steps,
        "owed": [STEP_NAMES[name] for name in row.pending_steps],
        # All are texts of the same format in UTC, so they sort by time.
        "nextAttemptAt": min(filter(None, (step["nextAttemptAt"] for step in steps)), default=None),
        "confirmation": _confirmation(row),
    }


def grace_period(row: DomainDeletion) -> dict[str, Any]:
    """Until when the domain can be restored, or what has become of that. Nothing if there was no grace period."""
    values: dict[str, Any] = {}
    if row.in_grace or row.grace_ended_at is not None:
        values["restorableUntil"] = timestamp_or_none(row.restorable_until)
    if row.grace_ended_at is not None:
        values["gracePeriodEndedAt"] = timestamp_or_none(row.grace_ended_at)
    if row.restored_at is not None:
        values |= {"restoredAt": timestamp_or_none(row.restored_at), "restoredBy": row.restored_by or None}
    return values


def as_values(row: DomainDeletion, ses: SyncState | None, dns: Dns | None = None) -> dict[str, Any]:
    """The whole report, as `GET /deletions/{id}` answers it."""
    values = {
        "id": row.pk,
        "domainId": row.domain_id,
        "domain": row.name,
        "requestedBy": row.requested_by or None,
        "requestedAt": timestamp_or_none(row.started_at),
        "finishedAt": timestamp_or_none(row.finished_at),
        "planToken": row.plan_token or None,
    }
    return values | progress(row, ses) | ({"dns": dns.as_values()} if dns else {})


def for_readers(values: dict[str, Any]) -> dict[str, Any]:
    """The report for those who had access: without the owner's plan and keys, where mail is kept, and what is done to the name."""
    steps = [{name: it for name, it in step.items() if name != "location"} for step in values["steps"]]
    people = {name: without_key(values[name]) for name in ("requestedBy", "restoredBy") if values.get(name)}
    # The note tells the owner what to do with the records, and whether the name is in use again.
    dns = {"dns": {**values["dns"], "note": None}} if "dns" in values else {}
    return {**values, **people, **dns, "steps": steps, "planToken": None}


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
