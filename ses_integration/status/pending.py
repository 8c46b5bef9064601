"""Domains that are not up to date: which ones, why, and the warning for an answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from ses_integration.conf import ses_config
from ses_integration.models import DomainSync, InFlightCall, Lease
from ses_integration.status import confirmation, wording


@dataclass(frozen=True, slots=True)
class Pending:
    """`error` is the last error as a sentence, or empty; `attempts` is the number of failed passes in a row."""

    error: str
    attempts: int


@dataclass(frozen=True, slots=True)
class PendingReason:
    """`error` is the last error as a sentence, or empty. A call without an answer may be applied until `unknown_until`."""

    error: str
    unknown_until: datetime | None


def pending_domains() -> QuerySet[DomainSync]:
    """Domain names that are behind or have a call in flight, oldest change first."""
    config = ses_config()
    with_call_in_flight = InFlightCall.objects.of(config).values("entry__domain")
    not_up_to_date = Q(generation__gt=F("observed_generation")) | Q(domain__in=with_call_in_flight)
    return DomainSync.objects.of(config).filter(not_up_to_date).order_by("changed_at", "domain")


def pending_names() -> QuerySet[DomainSync, str]:
    """Their names: to iterate, to count, or for `__in`."""
    return pending_domains().values_list("domain", flat=True)


def pending(domains: Collection[str]) -> dict[str, Pending]:
    """Those of the domains that are not up to date, oldest change first; one statement."""
    rows = pending_domains().filter(domain__in=domains)
    return {sync.domain: Pending(sync.last_error, sync.attempts) for sync in rows}


def pending_reason(domain: str) -> PendingReason:
    """Why the domain is not up to date; two statements. For an up-to-date domain both fields are empty."""
    config = ses_config()
    error = DomainSync.objects.of(config).filter(domain=domain).values_list("last_error", flat=True).first()
    # A call that the current holder of the lease has just sent still waits for its answer: its outcome is not unknown.
    being_sent = Lease.objects.of(config).filter(expires_at__gt=Now()).exclude(holder="").values("fence")
    unanswered = InFlightCall.objects.of(config).filter(entry__domain=domain, until__gt=Now())
    until = unanswered.exclude(fence__in=being_sent).order_by("-until").values_list("until", flat=True).first()
    return PendingReason(error=error or "", unknown_until=until)


@dataclass(frozen=True, slots=True)
class Backlog:
    """How far SES lags behind the rows of one domain.

    `behind` is the number of changes that are not applied yet. `in_flight` has a moment for each call without an answer: until
    then it can be applied, and after that it is sent again. `retry_at` is None if the next try is due now.
    """

    domain: str
    behind: int
    in_flight: tuple[datetime, ...]
    stalled: bool
    retry_at: datetime | None
    error: str

    @property
    def reason(self) -> str:
        """Why the domain is not up to date, such as `2 changes behind, next try 2026-11-26 09:30:00 UTC. AWS gave no answer.`"""
        lag = [wording.behind(self.behind)] if self.behind else []
        if self.behind and self.retry_at:
            lag.append(wording.next_try(self.retry_at))
        in_flight = wording.unanswered(max(self.in_flight)) if self.in_flight else ""
        return " ".join(filter(None, [f"{', '.join(lag)}." if lag else "", in_flight, self.error]))


def backlogs(*, everything: bool = False) -> list[Backlog]:
    """Backlog of each domain that is not up to date, oldest change first, or of `everything` by name; two statements."""
    config = ses_config()
    in_flight: dict[str, list[datetime]] = defaultdict(list)
    for domain, until in InFlightCall.objects.of(config).values_list("entry__domain", "until"):
        in_flight[domain].append(until)
    syncs = DomainSync.objects.of(config).order_by("domain") if everything else pending_domains()
    return [
        Backlog(
            domain=sync.domain,
            behind=sync.generation - sync.observed_generation,
            in_flight=tuple(in_flight[sync.domain]),
            stalled=sync.stalled,
            retry_at=sync.retry_at,
            error=sync.last_error,
        )
        for sync in syncs
    ]


def unconfirmed_warning(
    lead: str, domain: str = "", *, error: str | None = None, removal: bool = False, in_flight: bool = False
) -> str:
    """Say that SES has not confirmed a change, why, and what happens next.

    `lead` opens the warning and names the change, such as `SES configuration failed:`. `error` is the sentence that follows;
    by default the last error that is recorded for `domain`. With `removal`, something of the domain that a previous region
    or rule set may still hold is named instead of the usual ending. With `in_flight`, an unanswered call is mentioned, and
    when it is sent again.

    Two statements if the error or an unanswered call is looked up, and one more with `removal`.
    """
    reason = pending_reason(domain) if error is None or in_flight else None
    if error is None and reason is not None:
        error = reason.error
    ending = (confirmation.left_elsewhere(domain) if removal else "") or wording.CHANGE_PENDING
    if in_flight and reason is not None and reason.unknown_until is not None:
        ending += f" {wording.unanswered(reason.unknown_until)}"
    return " ".join(filter(None, [lead, error, ending]))
