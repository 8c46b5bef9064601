"""Noting that SES must follow: one mark per domain name, in the transaction that changes the rows (protocol 2.R)."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce, Now

from ses_integration.budget import one_budget
from ses_integration.config import SesConfig, ses_config
from ses_integration.models import DomainMark

logger = logging.getLogger(__name__)


@dataclass
class _CommitBudget:
    """All nudges of one commit share one budget, so that a cascade over many domains cannot hang its caller."""

    deadline: float | None = None


@dataclass
class Nudge:
    """What runs after the commit of a marked change: converge the domain, at once if that is possible."""

    domain: str
    shared: _CommitBudget = field(default_factory=_CommitBudget)

    def run(self) -> None:
        from ses_integration.convergence import converge

        if self.shared.deadline is None:
            self.shared.deadline = time.monotonic() + ses_config().request_budget
        with one_budget(self.shared.deadline - time.monotonic()):
            converge(self.domain)


def mark(*domains: str) -> None:
    """Bump the generation of each domain, and nudge it after the commit. No network, no look at any row but the mark.

    Call it as the last thing of a transaction: marks are taken in sorted order, so that two changes of the same domains
    cannot deadlock. A second mark of a domain in one transaction costs nothing.
    """
    # A savepoint that rolls back takes the mark with it, and Django drops its callbacks: so a nudge that is still
    # registered is the proof that this transaction's mark stands. A flag of our own would lose work there.
    hooks = [getattr(hook[1], "__self__", None) for hook in connection.run_on_commit]
    nudges = [nudge for nudge in hooks if isinstance(nudge, Nudge)]
    unmarked = sorted(set(domains) - {nudge.domain for nudge in nudges})
    if not unmarked:
        return
    shared = nudges[0].shared if nudges else _CommitBudget()
    with transaction.atomic(savepoint=False):
        for domain in unmarked:
            bump(ses_config(), domain)
            # Robust: an error in the nudge must not turn a change that is committed into a 500.
            transaction.on_commit(Nudge(domain, shared).run, robust=True)


def bump(config: SesConfig, domain: str) -> None:
    """The mark alone: a new generation, due at once. Only marks and sweeps need it."""
    row = DomainMark.objects.of(config).filter(domain=domain)
    change = {
        "generation": F("generation") + 1,
        "next_attempt": None,
        "changed_at": Now(),
        "waiting_since": Coalesce("waiting_since", Now()),
    }
    if not row.update(**change):
        DomainMark.objects.bulk_create(
            [DomainMark(region=config.region, rule_set=config.rule_set, domain=domain)], ignore_conflicts=True
        )
        row.update(**change)


def waiting(config: SesConfig) -> QuerySet[DomainMark]:
    """Behind, and not put off: whose turn may come now, the one that has waited longest first."""
    turn = Q(next_attempt=None) | Q(next_attempt__lte=Now())
    behind = DomainMark.objects.of(config).filter(turn, generation__gt=F("applied_generation"))
    # SQLite tells time in milliseconds: marks of one transaction often share one, and `mark` takes them by name, too.
    return behind.order_by("waiting_since", "domain")


def generation(domain: str) -> int:
    """The domain's generation as this transaction sees it; 0 if it was never marked."""
    row = DomainMark.objects.of(ses_config()).filter(domain=domain)
    return row.values_list("generation", flat=True).first() or 0
