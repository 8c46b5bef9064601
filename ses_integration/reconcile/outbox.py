"""Noting that SES must follow: one mark per domain name, in the transaction that changes the rows.

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
    raise RuntimeError(f"No reconciler is registered, so {domain} stays dirty until the worker comes.")


_reconcile: Callable[[str], None] = _not_registered


def register_reconciler(reconcile: Callable[[str], None]) -> None:
    """Set what runs after the commit of a dirty domain. The app registers the loop at start-up, which imports this module."""
    global _reconcile
    _reconcile = reconcile


@dataclass
class _CommitBudget:
    """All nudges of one commit share one budget, so that a cascade over many domains cannot hang its caller."""

    deadline: float | None = None


@dataclass
class AfterCommitDrain:
    """What runs after the commit of a marked change: converge the domain, at once if that is possible."""

    domain: str
    shared: _CommitBudget = field(default_factory=_CommitBudget)

    def run(self) -> None:
        if self.shared.deadline is None:
            self.shared.deadline = time.monotonic() + ses_config().request_budget
        with shared_deadline(self.shared.deadline - time.monotonic()):
            _reconcile(self.domain)


def mark_dirty(*domains: str) -> None:
    """Bump the generation of each domain, and nudge it after the commit. No network, no look at any row but the mark.

    Call it as the last thing of a transaction: marks are taken in sorted order, so that two changes of the same domains
    cannot deadlock. A second mark of a domain in one transaction costs nothing.
    """
    # A savepoint that rolls back takes the mark with it, and Django drops its callbacks: so a nudge that is still
    # registered is the proof that this transaction's mark stands. A flag of our own would lose work there.
    hooks = [getattr(hook[1], "__self__", None) for hook in connection.run_on_commit]
    drains = [drain for drain in hooks if isinstance(drain, AfterCommitDrain)]
    unmarked = sorted(set(domains) - {drain.domain for drain in drains})
    if not unmarked:
        return
    shared = drains[0].shared if drains else _CommitBudget()
    with transaction.atomic(savepoint=False):
        for domain in unmarked:
            raise_generation(ses_config(), domain)
            # Robust: an error in the nudge must not turn a change that is committed into a 500.
            transaction.on_commit(AfterCommitDrain(domain, shared).run, robust=True)


def raise_generation(config: SesConfig, domain: str) -> None:
    """The mark alone: a new generation, due at once. Only marks and sweeps need it."""
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
    """The domain's generation as this transaction sees it; 0 if it was never marked."""
    row = DomainSync.objects.of(ses_config()).filter(domain=domain)
    return row.values_list("generation", flat=True).first() or 0
