"""Sync state of domain names: whether SES follows their rows, and if not, why. One value for all answers, pages and commands."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from backoffice.text import moment, plural
from ses_integration.conf import ses_config
from ses_integration.models import DomainSync, InFlightCall, Lease, RuleSetState
from ses_integration.status import wording

_BEHIND = Q(generation__gt=F("observed_generation"))


class SyncStatus(enum.Enum):
    """Whether SES follows the rows of a domain name. People read `label`; JSON carries `wire`, which never changes."""

    UP_TO_DATE = ("up to date", "in line")
    PENDING = ("pending", "owed")
    UNCONFIRMED = ("unconfirmed", "in doubt")
    NEEDS_ATTENTION = ("needs you", "needs attention")

    def __init__(self, label: str, wire: str) -> None:
        self.label = label
        self.wire = wire


@dataclass(frozen=True, slots=True)
class SyncState:
    """How far SES follows the rows of one domain name.

    `behind`: changes that SES has not confirmed. `attempts`: failed passes in a row. `retry_at`: the end of the back-off, or
    None. `error`: the last error as a sentence, or empty. `unanswered`: number of calls that got no answer. SES can apply the
    last of them until `unknown_until`; then it is sent again. `changed_at`: the last change of its rows.
    """

    domain: str
    status: SyncStatus
    behind: int
    attempts: int = 0
    error: str = ""
    retry_at: datetime | None = None
    unanswered: int = 0
    unknown_until: datetime | None = None
    changed_at: datetime | None = field(default=None, compare=False)

    @classmethod
    def of(cls, sync: DomainSync) -> Self:
        """The state of a row from `with_calls_in_flight`."""
        behind, until = sync.generation - sync.observed_generation, sync.unknown_until
        status = SyncStatus.PENDING if behind or until else SyncStatus.UP_TO_DATE
        if sync.stalled:
            status = SyncStatus.NEEDS_ATTENTION
        elif until and until > timezone.now():
            status = SyncStatus.UNCONFIRMED
        known = (sync.attempts, sync.last_error, sync.retry_at, sync.unanswered, until, sync.changed_at)
        return cls(sync.domain, status, behind, *known)

    @classmethod
    def by_domain(cls, domains: Iterable[str]) -> dict[str, Self]:
        """State of each name; one statement for any number of names. A name that was never marked dirty is one change behind."""
        names = list(domains)
        syncs = with_calls_in_flight(DomainSync.objects.of(ses_config()).filter(domain__in=names))
        found = {sync.domain: cls.of(sync) for sync in syncs}
        return {name: found.get(name) or cls(name, SyncStatus.PENDING, behind=1) for name in names}

    @staticmethod
    def pending_names(among: Collection[str] | None = None) -> QuerySet[DomainSync, str]:
        """Names of all domains that are not up to date, or of those `among` some: to iterate, to count, or for `__in`."""
        found = pending_domains() if among is None else pending_domains().filter(domain__in=among)
        return found.values_list("domain", flat=True)

    @staticmethod
    def maybe_behind(limit: int) -> list[str] | None:
        """Names of all domains that SES may not follow, whoever owns them, in no order; None if there are more than `limit`.

        For any other domain, SES is known to receive for exactly the active addresses. Rows that were changed without a mark
        count as followed until the database sweep. Two statements. They use indexes: the time depends on how many domains are
        pending, and not on how many there are.
        """
        config = ses_config()
        # Before the first sweep, domains may have no mark in this ledger.
        if not RuleSetState.objects.of(config).filter(rows_compared=True).exists():
            return None
        behind = DomainSync.objects.of(config).filter(_BEHIND).values_list("domain")
        with_call_in_flight = InFlightCall.objects.of(config).values_list("entry__domain")
        names = [name for (name,) in behind.union(with_call_in_flight)[: limit + 1]]
        return names if len(names) <= limit else None

    @staticmethod
    def outage_since() -> datetime | None:
        """Since when SES has refused or not answered every call; None if it answers. One statement."""
        since: datetime | None = Lease.objects.of(ses_config()).values_list("outage_since", flat=True).first()
        return since

    @property
    def pending(self) -> bool:
        """Whether anything is still to be sent, or unanswered."""
        return bool(self.behind or self.unknown_until)

    @property
    def reason(self) -> str:
        """Why the domain is not up to date, as a sentence; empty if it is."""
        if self.status is SyncStatus.UNCONFIRMED:
            return wording.unanswered(self.unknown_until)
        return self.error or (wording.NOT_TRIED if self.status is SyncStatus.PENDING else "")

    @property
    def next_try(self) -> datetime | None:
        """When the domain is tried again; None if nothing is left to do or it is due now."""
        return self.unknown_until if self.status is SyncStatus.UNCONFIRMED else self.retry_at

    @property
    def lag(self) -> str:
        """How far SES is behind, such as `3 changes behind, 1 unanswered call`; empty if it is not."""
        unanswered = plural(self.unanswered, "unanswered call") if self.unanswered else ""
        return ", ".join(filter(None, [self._changes_behind, unanswered]))

    @property
    def details(self) -> str:
        """The unanswered call, the last error, or both; `reason` has only one of them. Empty if there is neither."""
        return " ".join(filter(None, [wording.unanswered(self.unknown_until), self.error]))

    @property
    def backlog(self) -> str:
        """Everything in one text, such as `2 changes behind, next try 2026-11-26 09:30:00 UTC. AWS gave no answer.`"""
        next_try = f", next try {moment(self.retry_at)}" if self.retry_at else ""
        behind = f"{self._changes_behind}{next_try}." if self.behind else ""
        return " ".join(filter(None, [behind, self.details]))

    @property
    def _changes_behind(self) -> str:
        return f"{plural(self.behind, 'change')} behind" if self.behind else ""

    def __str__(self) -> str:
        """The state for people, such as `pending: AWS gave no answer.`"""
        return f"{self.status.label}: {self.reason}" if self.reason else self.status.label


def pending_domains() -> QuerySet[DomainSync]:
    """Rows of the domains that are behind or have a call in flight, oldest change first."""
    config = ses_config()
    with_call_in_flight = InFlightCall.objects.of(config).values("entry__domain")
    not_up_to_date = _BEHIND | Q(domain__in=with_call_in_flight)
    return DomainSync.objects.of(config).filter(not_up_to_date).order_by("changed_at", "domain")


def states_of(syncs: QuerySet[DomainSync]) -> list[SyncState]:
    """States of these rows, in their order; one statement."""
    return [SyncState.of(sync) for sync in with_calls_in_flight(syncs)]


def with_calls_in_flight(syncs: QuerySet[Any]) -> QuerySet[Any]:
    """Add `unanswered`, the number of calls in flight for the domain in its scope, and `unknown_until`, until when SES can
    apply the last of them; None without one."""
    calls = InFlightCall.objects.filter(
        entry__domain=OuterRef("domain"), entry__region=OuterRef("region"), entry__rule_set=OuterRef("rule_set")
    )
    counted = calls.values("entry__domain").annotate(number=Count("pk")).values("number")
    found: QuerySet[Any] = syncs.annotate(
        unanswered=Coalesce(Subquery(counted), 0), unknown_until=calls.order_by("-until").values("until")[:1]
    )
    return found
