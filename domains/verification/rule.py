"""The verification rule: a domain's status from what SES and DNS say. Pure functions.

See docs/architecture/verification.md.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Self

from domains.dns.records import Record, RecordKind
from domains.dns.values import host
from domains.dns.verdict import CheckedRecord, State, requirements_met
from domains.models import Domain

# SES looks for the records of a new identity for this long, and so does the worker (docs/architecture/ses.md, "Verification").
WINDOW = timedelta(hours=72)
# SES gives a verified domain as long when its records are gone.
PATIENCE = timedelta(hours=72)
# Each wait for a pending domain is an eighth of the time since checking began.
GROWTH = 8
LONGEST_WAIT = timedelta(hours=4)
VERIFIED_WAIT = timedelta(days=1)

SUCCESS, FAILED, NOT_FOUND = "Success", "Failed", "NotFound"
# SES could not look, or gave no answer: this changes nothing.
NO_NEWS = frozenset({"", "TemporaryFailure"})
HOURS = f"{WINDOW.total_seconds() / 3600:.0f} hours"
PENDING = f"SES has not found the DNS records yet. It looks for {HOURS}."
GIVEN_UP = (
    f"SES has not found the DNS records within {HOURS}. Publish them, then start again: POST /domains/{{id}}/auth."
)
ABSENT = "SES does not have the identity. inbound creates it again."
VERIFIED = "SES has found the DNS records."


@dataclass(frozen=True, slots=True)
class Verification:
    """A domain's status and what it depends on. The fields are columns of the domain."""

    status: str
    status_reason: str
    unverified_since: datetime | None
    checking_since: datetime
    verified_at: datetime | None
    missing_since: datetime | None
    can_receive_emails: bool
    has_mx_records: bool

    @classmethod
    def of(cls, domain: Domain) -> Self:
        return cls(**{field.name: getattr(domain, field.name) for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class Seen:
    """What a check has found.

    `ses_status`: in SES's spelling, `NotFound`, or empty if SES gave no answer. `required`: whether the required records are
    published, None if DNS did not say. `missing`: those that are not, for people. `mx`: the state of the inbound MX record
    when DNS last answered, empty before. `has_mx`: whether there is any MX record, None if DNS did not say. `looked`: whether
    DNS was asked. `complete`: whether SES has all that it will have for the domain.
    """

    ses_status: str = ""
    required: bool | None = None
    missing: str = ""
    mx: str = ""
    has_mx: bool | None = None
    looked: bool = True
    complete: bool = True

    @property
    def answered(self) -> bool:
        return bool(self.ses_status)


def seen_of(
    ses_status: str,
    checked: Collection[CheckedRecord],
    mx_before: str,
    *,
    complete: bool = True,
    own_key: bool = False,
) -> Seen:
    """What a check has found. `mx_before`: the state of the inbound MX record when DNS last answered before.

    `own_key`: SES recognises the owner by a DKIM key of their own, so it needs no record for that.
    """
    inbound = next((one for one in checked if one.record.kind is RecordKind.INBOUND), None)
    proofs = [one for one in checked if one.record.kind in (RecordKind.OWNERSHIP, RecordKind.DKIM)]
    if inbound is None or not proofs:
        # SES has not named the records yet.
        return Seen(ses_status, mx=mx_before, looked=bool(checked), complete=complete)
    if own_key:
        checked = [replace(one, state=State.VERIFIED) if one in proofs else one for one in checked]
    known = inbound.state is not State.UNKNOWN
    at_best = [replace(one, state=State.VERIFIED) if one.state is State.UNKNOWN else one for one in checked]
    missing = [one.record for one in checked if one.record.is_required and one.state in (State.MISSING, State.WRONG)]
    return Seen(
        ses_status,
        required=True if requirements_met(checked) else None if requirements_met(at_best) else False,
        missing=_named(missing),
        mx=inbound.state.value if known else mx_before,
        has_mx=any(map(host, inbound.found)) if known else None,
        complete=complete,
    )


def _named(records: Sequence[Record]) -> str:
    """The first records for people. Their names can be long, and the reason is stored."""
    names = [f"{record.type} {record.name}" for record in records]
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "") if names else ""


def after(before: Verification, seen: Seen, now: datetime) -> Verification:
    """The verification after a check. What could not be asked takes nothing away."""
    missing_since = before.missing_since
    if seen.required is not None:
        missing_since = None if seen.required else missing_since or now
    status, reason = _status(before, seen, missing_since, now)
    verified = status == Domain.Status.VERIFIED
    return Verification(
        status=status,
        status_reason="" if verified else reason,
        unverified_since=None if verified else before.unverified_since or now,
        checking_since=now if before.status == Domain.Status.VERIFIED != status else before.checking_since,
        verified_at=now if verified and before.status != status else before.verified_at,
        missing_since=missing_since,
        can_receive_emails=_can_receive(before, status, seen),
        has_mx_records=before.has_mx_records if seen.has_mx is None else seen.has_mx,
    )


def _can_receive(before: Verification, status: str, seen: Seen) -> bool:
    if status == before.status and not seen.looked:
        return before.can_receive_emails
    return status == Domain.Status.VERIFIED and seen.mx in ("", State.VERIFIED)


def _status(before: Verification, seen: Seen, missing_since: datetime | None, now: datetime) -> tuple[str, str]:
    """The status and the reason for it."""
    if seen.ses_status in NO_NEWS:
        return before.status, before.status_reason
    if seen.ses_status == SUCCESS:
        if missing_since and now - missing_since >= PATIENCE:
            if seen.required is None:
                return before.status, before.status_reason
            since = f"{missing_since:%Y-%m-%d %H:%M} UTC"
            return Domain.Status.PENDING, f"Required DNS records have been missing since {since}: {seen.missing}"
        return Domain.Status.VERIFIED, VERIFIED
    if seen.ses_status == FAILED:
        return Domain.Status.FAILED, GIVEN_UP
    if before.status != Domain.Status.VERIFIED and now - before.checking_since >= WINDOW:
        return Domain.Status.FAILED, GIVEN_UP
    return Domain.Status.PENDING, ABSENT if seen.ses_status == NOT_FOUND else PENDING


def next_check(now: datetime, verification: Verification, seen: Seen, first_wait: timedelta) -> datetime | None:
    """When the worker checks the domain again, or None for never. `first_wait`: the wait of a domain that was just added."""
    if not seen.looked:
        return now + first_wait
    checking_for = now - verification.checking_since
    wait = min(max(first_wait, checking_for / GROWTH), LONGEST_WAIT)
    if not (seen.answered and seen.complete):
        # SES is down or not up to date, so that was not the check of the day.
        return now + wait
    if verification.status == Domain.Status.VERIFIED:
        # Once more soon after it was verified: its MX record may follow.
        return now + (first_wait if verification.verified_at == now else VERIFIED_WAIT)
    if verification.status == Domain.Status.PENDING or checking_for < WINDOW:
        return now + wait
    # A domain that was verified once may come back by itself.
    return now + VERIFIED_WAIT if verification.verified_at else None
