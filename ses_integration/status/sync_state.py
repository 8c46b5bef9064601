"""How far SES is behind the rows, in two parts: a word, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Max, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from ses_integration.aws.clients import have_credentials
from ses_integration.conf import ses_config
from ses_integration.models import DomainSync, InFlightCall, Lease


@dataclass(frozen=True, slots=True)
class State:
    """`in line`, `owed`, `in doubt` or `needs attention`, and why; `next_try` is empty where it is due now or nothing is."""

    word: str
    why: str = ""
    next_try: datetime | None = None

    def __str__(self) -> str:
        return f"{self.word}{'' if self.word == 'in doubt' else ':'} {self.why}" if self.why else self.word


def state(sync: DomainSync | None, unknown_until: datetime | None) -> State:
    """`doubt_until`: when the last unanswered call for the name can no longer be applied."""
    if sync is None:
        return State("owed", "not looked at yet")
    if sync.stalled:
        return State("needs attention", sync.last_error, sync.retry_at)
    if unknown_until is not None and unknown_until > timezone.now():
        return State("in doubt", f"until {unknown_until:%H:%M} UTC", unknown_until)
    if sync.pending or unknown_until is not None:
        return State("owed", sync.last_error or "not tried yet", sync.retry_at)
    return State("in line")


def states(domains: Iterable[str]) -> dict[str, State]:
    """The state of each name; two statements, however many there are."""
    config, names = ses_config(), set(domains)
    syncs = {sync.domain: sync for sync in DomainSync.objects.of(config).filter(domain__in=names)}
    in_flight = InFlightCall.objects.of(config).filter(entry__domain__in=names).order_by()
    unknown_outcomes = dict(in_flight.values_list("entry__domain").annotate(Max("until")))
    return {name: state(syncs.get(name), unknown_outcomes.get(name)) for name in names}


@dataclass(frozen=True, slots=True)
class PendingReason:
    """Why a domain is not in line yet: the last error in our words, how many tries in a row have failed, and until when
    an unanswered call may still land."""

    error: str
    unknown_until: datetime | None
    attempts: int = 0


def configured() -> bool:
    """Whether SES can be asked at all: there are a region and credentials, which are not tried."""
    return bool(ses_config().region) and have_credentials()


def pending(domain: str) -> PendingReason:
    config = ses_config()
    sync = DomainSync.objects.of(config).filter(domain=domain).first()
    # The call that the holder of the lease has just sent is under way, not without an answer.
    under_way = Lease.objects.of(config).filter(expires_at__gt=Now()).exclude(holder="").values("fence")
    until = (
        InFlightCall.objects.of(config)
        .filter(entry__domain=domain, until__gt=Now())
        .exclude(fence__in=under_way)
        .order_by("-until")
        .values_list("until", flat=True)
        .first()
    )
    if sync is None:
        return PendingReason(error="", unknown_until=until)
    return PendingReason(error=sync.last_error, unknown_until=until, attempts=sync.attempts)


def pending_domains() -> QuerySet[DomainSync]:
    """Every domain name that SES is not confirmed to follow, oldest change first."""
    config = ses_config()
    doubtful = InFlightCall.objects.of(config).values("entry__domain")
    behind = Q(generation__gt=F("observed_generation")) | Q(domain__in=doubtful)
    return DomainSync.objects.of(config).filter(behind).order_by("changed_at", "domain")
