"""Queue of the domains that are not up to date: which one is next, when it is due, and how long to wait for the lease."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from ses_integration.conf import SesConfig, ses_config
from ses_integration.coordination import lease
from ses_integration.coordination.clock import pause
from ses_integration.coordination.lease import HeldLease
from ses_integration.models import DomainSync, InFlightCall, RuleSetState, statements
from ses_integration.models.statements import After, moment
from ses_integration.plan.compile import Layout

# For this long the worker lets waiting requests take the lease first.
STEP_BACK_SECONDS = 5.0
POLL_SECONDS = 0.2
_NOT_IN_BACK_OFF = Q(retry_at=None) | Q(retry_at__lte=Now())


def ready(config: SesConfig) -> QuerySet[DomainSync]:
    """Domains that are behind and not in back-off, longest wait first."""
    behind = DomainSync.objects.of(config).filter(_NOT_IN_BACK_OFF, generation__gt=F("observed_generation"))
    # Also by name: SQLite counts milliseconds, so domains of one transaction often have the same time.
    return behind.order_by("queued_at", "domain")


@dataclass(frozen=True, slots=True)
class LockedDomain:
    """A domain whose DomainSync row the transaction has locked, and other state that a step needs, read with the lock.

    `is_busy`: several changes were observed together a moment ago, so more are likely. `now`: the database's time.
    `rows_compared`: the last database sweep compared this ledger. `recipients_per_rule`: the learned limit.
    `account`: the AWS account of the ledger.
    """

    pk: int
    domain: str
    generation: int
    attempts: int
    is_busy: bool
    now: datetime
    observed_generation: int
    change_log: str
    rows_compared: bool
    recipients_per_rule: int | None
    account: str

    def changed_slots(self, layout: Layout) -> frozenset[int] | None:
        """The slots of all addresses that have changed since SES was known to follow the rows with this layout.

        None: anything may have changed.
        """
        settled, *changes = self.change_log.split() or [""]
        behind = self.generation - self.observed_generation
        if settled != f"{self.observed_generation}:{layout.digest}" or len(changes) != behind or not self.rows_compared:
            return None
        slots = set()
        for generation, change in enumerate(changes, start=self.observed_generation + 1):
            listed, _, slot = change.partition(":")
            if listed != str(generation) or not slot.isdecimal():
                return None
            slots.add(int(slot))
        return frozenset(slots)


def lock(config: SesConfig, domain: str) -> LockedDomain | None:
    """Lock the domain. None if another transaction has locked it, or if it was never marked dirty.

    Does not wait: a transaction that changes many rows can hold its locks for long, and we may hold the lease.
    """
    return _locked(statements.LOCK_DOMAIN.row(config.region, config.rule_set, domain))


def lock_next(config: SesConfig, domain: str) -> LockedDomain | None:
    """Lock the domain that a request for `domain` serves when it has the lease: the ready one with the longest wait.

    If each request served its own domain, a domain with many requests would nearly always win. Domains that have waited longer
    than a request may are left to the worker, so that the backlog of an outage does not hold up requests. Domains whose rows
    are being changed are skipped: they cannot be served now, and would come first every time.
    """
    longest = After(-config.request_budget)
    return _locked(statements.LOCK_NEXT.row(config.region, config.rule_set, longest, domain))


def _locked(row: tuple[Any, ...] | None) -> LockedDomain | None:
    if row is None:
        return None
    pk, domain, generation, attempts, is_busy, now, *observed, rows_compared, limit, account = row
    state = bool(is_busy), moment(now), *observed, bool(rows_compared), limit, account
    return LockedDomain(pk, domain, generation, attempts, *state)


def record_read(config: SesConfig, locked: LockedDomain, change_log: str) -> None:
    """Record that a pass has read rows and ledger. `change_log`: that of its snapshot.

    It is empty if the pass has read everything: then it may change any rule, perhaps to another layout, and end half-way.
    """
    if locked.change_log != change_log:
        DomainSync.objects.filter(pk=locked.pk).update(change_log=change_log)
    if not locked.rows_compared:
        # Changes are marked in this ledger now, and not in the others.
        RuleSetState.objects.elsewhere(config).filter(rows_compared=True).update(rows_compared=False)


def exists(config: SesConfig, domain: str) -> bool:
    """Whether the domain was ever marked dirty."""
    return DomainSync.objects.of(config).filter(domain=domain).exists()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far SES follows a domain.

    `seconds_until_change`: until a change that is behind can be applied, 0.0 for now; None if there is none.
    `seconds_until_call`: until an unanswered call is due; None if there is none.
    """

    generation: int = 0
    observed_generation: int = 0
    seconds_until_change: float | None = None
    seconds_until_call: float | None = None

    @property
    def seconds_until_due(self) -> float | None:
        """Until something can be done, 0.0 for now; None if there is nothing to do."""
        return self.seconds_until_call if self.seconds_until_change is None else self.seconds_until_change

    def seconds_until_step_to(self, generation: int) -> float | None:
        """Until something can be done for the changes up to `generation`; None if they are observed and no call is in flight.

        Later changes do not count: their stream may never end.
        """
        return self.seconds_until_call if self.observed_generation >= generation else self.seconds_until_change


def progress(config: SesConfig, domain: str) -> Progress:
    """Look up the progress of a domain, in one statement."""
    row = statements.READ_PROGRESS.row(config.region, config.rule_set, domain)
    if row is None:
        return Progress()
    generation, observed, *times = row
    retry_at, now, until = map(moment, times)

    def seconds_until(*earliest: datetime | None) -> float:
        seconds: list[float] = [(time - now).total_seconds() for time in earliest if time is not None]
        return max([0.0, *seconds])

    return Progress(
        generation,
        observed,
        seconds_until_change=None if generation == observed else seconds_until(retry_at),
        seconds_until_call=None if until is None else seconds_until(retry_at, until),
    )


def due_domains(config: SesConfig) -> list[str]:
    """Domains for the worker: first the ready ones, longest wait first, then those with due in-flight calls."""
    behind = ready(config).values_list("domain", flat=True)
    due_calls = InFlightCall.objects.of(config).filter(until__lte=Now())
    with_due_calls = DomainSync.objects.of(config).filter(
        _NOT_IN_BACK_OFF, domain__in=due_calls.values("entry__domain")
    )
    return list(dict.fromkeys([*behind, *with_due_calls.order_by("domain").values_list("domain", flat=True)]))


def acquire_for_worker(config: SesConfig, stop: Callable[[], bool]) -> HeldLease | None:
    """Take the lease for the worker. For some seconds, waiting requests go first. Returns None on `stop()` or if it stays taken."""
    yield_until = time.monotonic() + STEP_BACK_SECONDS
    while not stop():
        held = lease.acquire(config, background=time.monotonic() < yield_until)
        if held or time.monotonic() > yield_until + lease.LEASE_SECONDS:
            return held
        pause(POLL_SECONDS)
    return None


def deferred_until(config: SesConfig, names: Collection[str], now: datetime) -> datetime | None:
    """When the earliest call in flight settles for the resources with these names; None if there is none."""
    in_flight = InFlightCall.objects.of(config).filter(entry__name__in=names, until__gt=now)
    return in_flight.order_by("until").values_list("until", flat=True).first()


def retry_now(*domains: str) -> None:
    """Make the domains due now, in one statement. Domains that are up to date stay so.

    Resets their attempts, so that a retry by hand does not delay the worker's next one.
    """
    DomainSync.objects.of(ses_config()).filter(domain__in=domains).update(retry_at=None, attempts=0)
