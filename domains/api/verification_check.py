"""What a check has found, for `?check=true` and `/domains/{id}/auth` (docs/api/compatibility.md, "Verification check")."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domains.dns import records as dns_records
from domains.dns.records import Record, RecordKind
from domains.dns.verdict import CheckedRecord, State, unmet
from domains.models import DnsRecord
from domains.verification.check import ERROR, UNKNOWN, Checked
from domains.verification.rows import record_of
from domains.verification.rule import SUCCESS
from rest.fields import timestamp, timestamp_or_none

# The words that the published client expects. What is not published yet, or could not be looked up, is pending.
STATUSES = {State.VERIFIED: "verified", State.WRONG: "failed"}


def shown_in_list(checked: Checked) -> dict[str, Any]:
    return {
        "dnsRecords": [_record(checked, row) for row in checked.records],
        "sesStatus": checked.ses_status,
        "isFullyVerified": is_fully_verified(checked),
        "lastChecked": timestamp(checked.at),
    }


def shown_alone(checked: Checked) -> dict[str, Any]:
    return shown_in_list(checked) | ses_details(checked)


def is_fully_verified(checked: Checked) -> bool:
    """Whether SES has verified the domain and the required records are published, or were when DNS last answered."""
    return checked.ses_status == SUCCESS and bool(checked.records) and not missing(checked)


def missing(checked: Checked) -> list[CheckedRecord]:
    """The verdicts on required records that are not published, or were not when DNS last answered."""
    return unmet(verdicts(checked), own_key=bool(checked.identity and checked.identity.has_own_key))


def verdicts(checked: Checked) -> list[CheckedRecord]:
    """The verdicts on all records, from when DNS last answered."""
    return [
        replace(verdict, state=last_state(row)) for row in checked.records if (verdict := checked.verdicts.get(row.pk))
    ]


def last_state(row: DnsRecord) -> State:
    return State(row.state) if row.state else State.UNKNOWN


def ses_details(checked: Checked) -> dict[str, Any]:
    """DKIM and MAIL FROM in SES."""
    identity = checked.identity
    nothing = {UNKNOWN: "", ERROR: "Unknown"}
    dkim = identity.dkim_status if identity else nothing.get(checked.ses_status, "")
    mail_from = identity.mail_from_status if identity else nothing.get(checked.ses_status, "")
    shown: dict[str, Any] = {"dkimVerified": dkim == SUCCESS, "mailFromVerified": mail_from == SUCCESS}
    if checked.ses_status == UNKNOWN:
        return shown
    shown["dkimStatus"] = dkim or "Pending"
    shown["dkimTokens"] = list(identity.dkim_tokens) if identity else []
    shown["mailFromStatus"] = mail_from or "NotSet"
    if identity and identity.mail_from_domain:
        shown["mailFromDomain"] = identity.mail_from_domain
    if checked.collision:
        shown["mailFromError"] = checked.collision
    return shown


def recommendations(checked: Checked) -> dict[str, Any]:
    """SPF and DMARC records to publish, unless both are verified."""
    name = checked.domain.name
    verified = {one.record.kind for one in verdicts(checked) if one.state is State.VERIFIED}
    if {RecordKind.SPF, RecordKind.DMARC} <= verified:
        return {}
    spf = _recommended(dns_records.spf(name), "SPF record for root domain (recommended)")
    dmarc = _recommended(dns_records.dmarc(name), "DMARC policy record (starts with p=none for monitoring)")
    return {"authRecommendations": {"spf": spf, "dmarc": dmarc}}


def in_order(checked: Checked) -> list[tuple[DnsRecord, Record]]:
    """The rows with what they are for, in the order of the documented answer."""
    records = [(row, record_of(checked.domain.name, row)) for row in checked.records]
    return sorted(records, key=lambda pair: pair[1].place)


def record_to_publish(row: DnsRecord, record: Record) -> dict[str, Any]:
    """A record in the answer to POST `/domains/{id}/auth`."""
    return {
        "type": row.record_type,
        "name": row.name,
        "value": row.value,
        "isRequired": row.is_required,
        "isVerified": row.is_verified,
        "description": record.description,
    }


def checked_record(checked: Checked, row: DnsRecord, record: Record) -> dict[str, Any]:
    """A record in the answer to PATCH `/domains/{id}/auth`."""
    return record_to_publish(row, record) | _record(checked, row)


def _record(checked: Checked, row: DnsRecord) -> dict[str, Any]:
    """A record with its state when DNS last answered. `error`: what is wrong with it, or why DNS could not be asked."""
    verdict = checked.verdicts.get(row.pk)
    problem = verdict.why if verdict else row.problem
    return {
        "type": row.record_type,
        "name": row.name,
        "value": row.value,
        "isVerified": row.is_verified,
        **({"error": problem} if problem else {}),
        "status": STATUSES.get(last_state(row), "pending"),
        "lastChecked": timestamp_or_none(row.last_checked),
    }


def _recommended(record: Record, description: str) -> dict[str, str]:
    return {"name": record.name, "value": record.value, "description": description}
