"""Domains that SES is not confirmed to follow yet, and the warning that an answer carries meanwhile."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import QuerySet

from ses_integration.models import DomainSync
from ses_integration.status import confirmation, sync_state


@dataclass(frozen=True, slots=True)
class Pending:
    """`error` is the last error as a sentence, or empty, and `attempts` how many passes in a row have failed."""

    error: str
    attempts: int


def pending(domains: Collection[str]) -> dict[str, Pending]:
    """Those of the domains that are not up to date, oldest change first; one statement."""
    rows = sync_state.pending_domains().filter(domain__in=domains)
    return {sync.domain: Pending(sync.last_error, sync.attempts) for sync in rows}


def pending_names() -> QuerySet[DomainSync, str]:
    """Names of all domains that are not up to date, oldest change first: to iterate, to count, or for `__in`."""
    return sync_state.pending_domains().values_list("domain", flat=True)


def unconfirmed_warning(
    lead: str, domain: str = "", *, error: str | None = None, removal: bool = False, in_flight: bool = False
) -> str:
    """Say that SES has not confirmed a change, why, and what happens next.

    `lead` opens the warning and names the change, such as `SES configuration failed:`. `error` is the sentence that follows;
    by default the last error that is recorded for `domain`. With `removal`, something of the domain that a previous region
    or rule set may still hold is named instead of the usual ending. With `in_flight`, an unanswered call is mentioned, and
    when it is checked again.

    Two statements if the error or an unanswered call is looked up, and one more with `removal`.
    """
    reason = sync_state.pending_reason(domain) if error is None or in_flight else None
    if error is None and reason is not None:
        error = reason.error
    ending = (confirmation.left_elsewhere(domain) if removal else "") or confirmation.CHANGE_PENDING
    if in_flight and reason is not None and reason.unknown_until is not None:
        ending += f" An earlier call to AWS got no answer; it is confirmed again by {reason.unknown_until:%H:%M} UTC."
    return " ".join(filter(None, [lead, error, ending]))
