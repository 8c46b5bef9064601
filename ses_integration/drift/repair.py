"""Repair: make the ordinary loop put right what a comparison has found, and restore the order of rules."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from audit.actions import Action
from audit.record import record_names
from ses_integration.aws import events
from ses_integration.aws.gateway import Gateway
from ses_integration.conf import SesConfig
from ses_integration.coordination import lease
from ses_integration.coordination.clock import pause
from ses_integration.coordination.lease import HeldLease
from ses_integration.coordination.rate_limit import rate_limited
from ses_integration.drift.compare import Comparison
from ses_integration.drift.model import DriftKind
from ses_integration.drift.sweep import invalidate
from ses_integration.errors import NotFound, Unsent
from ses_integration.models import DomainSync, LedgerEntry
from ses_integration.reconcile import outbox

# Longer than a process that has died keeps the lease.
LEASE_PATIENCE_SECONDS = 30.0 + lease.LEASE_SECONDS
LEASE_POLL_SECONDS = 0.1


def make_due(config: SesConfig, comparison: Comparison, domains: Collection[str]) -> bool:
    """Make these domains due, so that reconciling them puts SES right; no SES call.

    False if that was not possible for all: drift of a domain that is dirty already is only seen once its pass is over.
    """
    swept = invalidate(config, comparison.seen, domains)
    due = {drift.domain for drift in comparison.found if drift.remedy.by_reconcile}
    others = sorted(due.intersection(domains) - set(swept.invalidated))
    for domain in others:
        outbox.raise_generation(config, domain)
    record_names(Action.REPAIRED, DomainSync._meta.label_lower, others)
    return not swept.skipped


def move_to_front(config: SesConfig, comparison: Comparison, domains: Collection[str]) -> list[str]:
    """Move the out-of-order rules of these domains in front of all others, in their order; returns their names.

    Needs no record in the ledger: the call changes no rule, can be repeated, and does no harm if it is applied late. Raises
    SesError.
    """
    wrong = {
        drift.name for drift in comparison.found if drift.kind is DriftKind.OUT_OF_ORDER and drift.domain in domains
    }
    names = [rule.name for rule in comparison.seen.rules if rule.name in wrong]
    move(config, names)
    return names


def move(config: SesConfig, names: Sequence[str], *, deadline: float | None = None) -> None:
    """Move these rules in front of all others, in this order. Raises SesError.

    `deadline`: when to stop, a value of `time.monotonic()`. Without it, each rule may wait for the lease.
    """
    for name in reversed(names):
        if deadline is not None and time.monotonic() > deadline:
            raise Unsent("There was no time for all of them; try again.")
        with (
            _leased(config, deadline or time.monotonic() + LEASE_PATIENCE_SECONDS) as held,
            events.send_by(held.until - lease.LEASE_SECONDS / 3),
            rate_limited(config),
        ):
            try:
                Gateway(config).move_to_front(name)
            except NotFound:
                continue  # it was removed since we looked
        record_names(Action.REPAIRED, LedgerEntry._meta.label_lower, [name], position="first")


@contextmanager
def _leased(config: SesConfig, give_up_at: float) -> Iterator[HeldLease]:
    while (held := lease.acquire(config)) is None:
        if time.monotonic() > give_up_at:
            raise Unsent("Another process is writing to SES; try again.")
        pause(LEASE_POLL_SECONDS)
    try:
        yield held
    finally:
        lease.release(held)
