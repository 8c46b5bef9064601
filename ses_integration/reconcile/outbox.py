"""Transactional outbox: mark a domain name dirty in the transaction that changes its rows.

See docs/architecture/protocol.md, "Mark the change".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace

from django.db import connection, transaction

from ses_integration.conf import SesConfig, ses_config
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.models import DomainSync, statements


def _not_registered(domain: str, _: int) -> None:
    raise RuntimeError(f"No reconciler is registered: {domain} stays dirty until the worker reconciles it.")


_reconcile: Callable[[str, int], object] = _not_registered


def register_reconciler(reconcile: Callable[[str, int], object]) -> None:
    """Set the function that reconciles a dirty domain after the commit.

    The app registers the loop at start-up. This module cannot import the loop, which imports this module.
    """
    global _reconcile
    _reconcile = reconcile


@dataclass(slots=True)
class Change:
    """A committed change whose caller reconciles: the generation of each domain that it has marked dirty."""

    generations: dict[str, int] = field(default_factory=dict)


_change: ContextVar[Change | None] = ContextVar("change", default=None)


@contextmanager
def changing() -> Iterator[Change]:
    """Open a durable transaction for a change of rows, whose caller reconciles the domains itself after the commit.

    Nothing else reconciles them then. The `generations` are filled by the commit.
    """
    change = Change()
    token = _change.set(change)
    try:
        with transaction.atomic(durable=True):
            yield change
    finally:
        _change.reset(token)


@dataclass
class _CommitDeadline:
    """A deadline that all drains of one commit share, so that a cascade over many domains cannot block its caller."""

    at: float | None = None


@dataclass
class AfterCommitDrain:
    """Reconcile one dirty domain right after the commit, within the time that a request may take.

    For changes by cascades, the shell and the admin. If the caller has announced that it reconciles the domain itself
    (`changing`), the drain only tells it the generation. `slot` and `row`: the address that was marked, None for everything.
    """

    domain: str
    generation: int
    slot: int | None
    row: object
    change: Change | None
    deadline: _CommitDeadline

    def run(self) -> None:
        if self.change is not None:
            self.change.generations[self.domain] = self.generation
            return
        if self.deadline.at is None:
            self.deadline.at = time.monotonic() + ses_config().request_budget
        with shared_deadline(self.deadline.at - time.monotonic()):
            _reconcile(self.domain, self.generation)


def mark_dirty(*domains: str, slot: int | None = None, row: object = None, certain: bool = True) -> None:
    """Raise the generation of each domain, and reconcile it after the commit. Makes no network call.

    `slot`: only the address in this slot has changed, whose primary key is `row`, so a pass need not read the other rules of the
    domain. `certain`: the caller has locked or inserted the row. Otherwise the slot is not listed; it only shows that an earlier
    mark of this transaction was for the same row.

    Call it as late as possible in a transaction, but before a deletion whose receivers mark row by row: it locks the DomainSync
    rows in the order of their names, so that two changes of the same domains cannot deadlock. Marking a domain again in the
    same transaction costs nothing, except once, if it voids a slot (ADR 4).
    """
    # A registered drain proves that this transaction has marked its domain: when a savepoint rolls back, Django drops the
    # callback together with the mark. A flag of our own would survive, and the change would be lost.
    callbacks = [getattr(hook[1], "__self__", None) for hook in connection.run_on_commit]
    drains = [drain for drain in callbacks if isinstance(drain, AfterCommitDrain)]
    last = {drain.domain: drain for drain in drains}
    covered = {name for name, drain in last.items() if drain.slot is None or (drain.slot, drain.row) == (slot, row)}
    unmarked = sorted(set(domains) - covered)
    if not unmarked:
        return
    config, deadline = ses_config(), drains[0].deadline if drains else _CommitDeadline()
    with transaction.atomic(savepoint=False):
        for domain in unmarked:
            if domain in last:
                drain = replace(last[domain], slot=None)
                DomainSync.objects.of(config).filter(domain=domain).update(change_log="")
            else:
                listed = slot if certain else None
                generation = raise_generation(config, domain, listed)
                drain = AfterCommitDrain(domain, generation, listed, row, _change.get(), deadline)
            # Robust: an error in the drain must not turn a committed change into a 500.
            transaction.on_commit(drain.run, robust=True)


def raise_generation(config: SesConfig, domain: str, slot: int | None = None) -> int:
    """Raise the generation without a drain, make the domain due at once, and return the new generation.

    For `mark_dirty`, sweeps and repairs. `slot`: only the address in this slot has changed.
    """
    ((generation,),) = statements.RAISE_GENERATION.rows(config.region, config.rule_set, domain, slot)
    return int(generation)


def generation(domain: str) -> int:
    """Generation of the domain as this transaction sees it, 0 if it was never marked."""
    row = DomainSync.objects.of(ses_config()).filter(domain=domain)
    return row.values_list("generation", flat=True).first() or 0
