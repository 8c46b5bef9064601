"""Store what a check has found: the domain's status, its history, and the DNS records to publish."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit.actions import Action
from audit.record import Entry, record_all
from domains.dns.records import Record, RecordKind, records_for, stored_record
from domains.dns.verdict import CheckedRecord, State
from domains.models import DnsRecord, Domain, StatusChange
from domains.verification.rule import VERIFIED, Verification, after, next_check, seen_of
from ses_integration.api import RecordedIdentity, configured, unconfirmed_warning

COLUMNS = [column.name for column in fields(Verification)]
# The columns of a domain that a check stores.
STORED = [*COLUMNS, "next_check", "last_check", "last_dns_check", "updated_at"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check has found about one domain.

    `ses_status`: as in `rule.Seen`. `identity`: None if SES has none or gave no answer. `checked`: verdicts by the id of the
    row of the record. `mail_from_collides`: as in `records_of`.
    """

    ses_status: str
    identity: RecordedIdentity | None
    checked: Mapping[str, CheckedRecord] = field(default_factory=dict)
    mail_from_collides: bool = False

    @property
    def is_complete(self) -> bool:
        """False if the reconciler has yet to give the identity a MAIL FROM domain."""
        return not (self.identity and self.identity.ours and not self.identity.mail_from_domain)


def records_of(name: str, identity: RecordedIdentity | None, *, mail_from_collides: bool = False) -> list[Record]:
    """The records that the owner of the domain has to publish, as far as SES has named them. None without AWS configuration.

    `mail_from_collides`: the MAIL FROM domain is a domain that receives mail, so no MX record for it may be published.
    """
    return records_for(
        name,
        region=settings.AWS_REGION if configured() else "",
        token=identity.verification_token if identity else "",
        dkim_tokens=identity.dkim_tokens if identity else (),
        dkim_zone=identity.dkim_zone if identity else "",
        mail_from=identity.mail_from_domain if identity and not mail_from_collides else "",
    )


def unnamed_records(name: str, identity: RecordedIdentity | None) -> str | None:
    """A warning if SES has not named all records yet: why not, and what happens next."""
    if identity and identity.verification_token:
        return None
    missing = "SES has not returned all DNS records yet." if identity else "SES has not created the identity yet."
    return unconfirmed_warning(missing, name)


def record_of(name: str, row: DnsRecord) -> Record:
    """The record of a row of the domain with this name."""
    return stored_record(name, row.record_type, row.name, row.value)


def rows_by_domain(domain_ids: Collection[str]) -> dict[str, list[DnsRecord]]:
    """The DNS records of these domains by domain id, in order; one statement."""
    rows: dict[str, list[DnsRecord]] = {pk: [] for pk in domain_ids}
    for row in DnsRecord.objects.filter(domain__in=list(rows)).order_by("record_type", "name", "id"):
        rows[row.domain_id].append(row)
    return rows


def insert_records(domain: Domain, records: Collection[Record]) -> list[DnsRecord]:
    """Insert the records of a domain that is locked or new, and return their rows."""
    return DnsRecord.objects.bulk_create(
        [
            DnsRecord(
                domain=domain,
                record_type=record.type,
                name=record.name,
                value=record.value,
                is_required=record.is_required,
            )
            for record in records
        ],
        ignore_conflicts=True,
    )


def store(
    findings: Mapping[str, Finding], rows: Mapping[str, list[DnsRecord]], began: datetime | None = None
) -> dict[str, Domain]:
    """Store findings by domain id, and return the domains as they are now, without those that are being deleted.

    `rows`: all DNS records of these domains, by domain id. Updates them, too. `began`: when SES and DNS were asked, by default
    now. Findings that are older than the stored ones are dropped. The number of statements does not depend on the number of
    domains unless SES has replaced records of some.
    """
    began = began or timezone.now()
    with transaction.atomic():
        # In order, so that two checks of the same domains cannot deadlock.
        locked = Domain.objects.live().select_for_update().filter(pk__in=list(findings)).order_by("pk")
        domains = {row.pk: row for row in locked}
        current = [domain for domain in domains.values() if domain.last_check is None or domain.last_check <= began]
        _store_statuses(current, findings, rows, began)
        _store_verdicts(findings, [row for domain in current for row in rows[domain.pk]], began)
        for domain in current:
            _store_records(domain, findings[domain.pk], rows[domain.pk])
    return domains


def _store_statuses(
    domains: Sequence[Domain],
    findings: Mapping[str, Finding],
    rows: Mapping[str, Sequence[DnsRecord]],
    now: datetime,
) -> None:
    changes = []
    changed: list[Domain] = []
    same: list[Domain] = []
    for domain in domains:
        finding, before = findings[domain.pk], Verification.of(domain)
        mx_before = next(
            (row.state for row in rows[domain.pk] if record_of(domain.name, row).kind is RecordKind.INBOUND), ""
        )
        seen = seen_of(
            finding.ses_status,
            finding.checked.values(),
            mx_before,
            complete=finding.is_complete,
            own_key=bool(finding.identity and finding.identity.has_own_key),
        )
        verification = after(before, seen, now)
        (same if verification == before else changed).append(domain)
        for column in COLUMNS:
            setattr(domain, column, getattr(verification, column))
        domain.next_check = next_check(now, verification, seen, timedelta(seconds=settings.SES_STATUS_SECONDS))
        if seen.looked:
            domain.last_check = now
        if any(one.state is not State.UNKNOWN for one in finding.checked.values()):
            domain.last_dns_check = now
        if domain.status != before.status:
            domain.updated_at = now
            reason = domain.status_reason or VERIFIED
            changes.append(
                StatusChange(domain=domain, before=before.status, after=domain.status, reason=reason, at=now)
            )
    # Not save(), which would mark the domains dirty: what SES should hold does not depend on these columns.
    Domain.objects.bulk_update(changed, STORED)
    Domain.objects.bulk_update(same, ["next_check", "last_check", "last_dns_check"])
    StatusChange.objects.bulk_create(changes)
    if changes:
        record_all(
            Entry.of(
                Action.CHANGED,
                change.domain,
                change.domain.owner_id,
                before={"status": change.before},
                after={"status": change.after, "reason": change.reason},
            )
            for change in changes
        )


def _store_verdicts(findings: Mapping[str, Finding], rows: Sequence[DnsRecord], now: datetime) -> None:
    """Store what DNS has answered. What it could not say changes nothing."""
    answered, changed = [], []
    for row in rows:
        verdict = findings[row.domain_id].checked.get(row.pk)
        if verdict is None or verdict.state is State.UNKNOWN:
            continue
        row.last_checked = now
        answered.append(row.pk)
        if (row.state, row.problem) != (verdict.state.value, verdict.why):
            row.state, row.problem = verdict.state.value, verdict.why
            changed.append(row)
    if answered:
        DnsRecord.objects.filter(pk__in=answered).update(last_checked=now)
    DnsRecord.objects.bulk_update(changed, ["state", "problem"])


def _store_records(domain: Domain, finding: Finding, rows: list[DnsRecord]) -> None:
    """Make the rows of the records those that SES names. Rows that stay are kept."""
    identity = finding.identity
    if identity is None:
        return
    told = records_of(domain.name, identity, mail_from_collides=finding.mail_from_collides)
    wanted = {record.key: record for record in told}
    present = {(row.record_type, row.name, row.value): row for row in rows}
    rows += insert_records(domain, [record for key, record in wanted.items() if key not in present])
    # Before SES has returned the token, it has not named all records.
    if (
        identity.verification_token
        and wanted
        and (replaced := [row for key, row in present.items() if key not in wanted])
    ):
        DnsRecord.objects.filter(pk__in=[row.pk for row in replaced]).delete()
        rows[:] = [row for row in rows if row not in replaced]
