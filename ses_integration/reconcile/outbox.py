"""Transactional outbox: mark a domain name dirty in the transaction that changes its rows.

See docs/architecture/protocol.md, "Mark the change".
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now

from ses_integration.conf import SesConfig, ses_config
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.models import DomainSync


def _not_registered(domain: str) -> None:
    raise RuntimeError(f"No reconciler is registered: {domain} stays dirty until the worker reconciles it.")


_reconcile: Callable[[str], None] = _not_registered


def register_reconciler(reconcile: Callable[[str], None]) -> None:
    """Set the function that reconciles a dirty domain after the commit.

    The app registers the loop at start-up. This module cannot import the loop, which imports this module.
    """
    global _reconcile
    _reconcile = reconcile


@dataclass
class _CommitDeadline:
    """A deadline that all drains of one commit share, so that a cascade over many domains cannot block its caller."""

    at: float | None = None


@dataclass
class AfterCommitDrain:
    """Reconcile one dirty domain right after the commit, within the time that a request may take."""

    domain: str
    deadline: _CommitDeadline = field(default_factory=_CommitDeadline)

    def run(self) -> None:
        if self.deadline.at is None:
            self.deadline.at = time.monotonic() + ses_config().request_budget
        with shared_deadline(self.deadline.at - time.monotonic()):
            _reconcile(self.domain)


def mark_dirty(*domains: str) -> None:
    """Raise the generation of each domain, and reconcile it after the commit. Makes no network call.

    Call it last in a transaction: it locks the DomainSync rows in the order of their names, so that two changes of the same
    domains cannot deadlock. Marking a domain again in the same transaction costs nothing (ADR 4).
    """
    # A registered drain proves that this transaction has marked its domain: when a savepoint rolls back, Django drops the
    # callback together with the mark. A flag of our own would survive, and the change would be lost.
    callbacks = [getattr(hook[1], "__self__", None) for hook in connection.run_on_commit]
    drains = [drain for drain in callbacks if isinstance(drain, AfterCommitDrain)]
    unmarked = sorted(set(domains) - {drain.domain for drain in drains})
    if not unmarked:
        return
    deadline = drains[0].deadline if drains else _CommitDeadline()
    with transaction.atomic(savepoint=False):
        for domain in unmarked:
            raise_generation(ses_config(), domain)
            # Robust: an error in the drain must not turn a committed change into a 500.
            transaction.on_commit(AfterCommitDrain(domain, deadline).run, robust=True)


def raise_generation(config: SesConfig, domain: str) -> None:
    """Raise the generation without a drain, and make the domain due at once. For `mark_dirty`, sweeps and repairs."""
    row = DomainSync.objects.of(config).filter(domain=domain)
    change = {
        "generation": F("generation") + 1,
        "retry_at": None,
        "changed_at": Now(),
        "queued_at": Coalesce("queued_at", Now()),
    }
    if not row.update(**change):
        DomainSync.objects.bulk_create(
            [DomainSync(region=config.region, rule_set=config.rule_set, domain=domain)], ignore_conflicts=True
        )
        row.update(**change)


def generation(domain: str) -> int:
    """Generation of the domain as this transaction sees it, 0 if it was never marked."""
    row = DomainSync.objects.of(ses_config()).filter(domain=domain)
    return row.values_list("generation", flat=True).first() or 0
