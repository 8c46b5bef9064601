"""Rows, ledger and SES side by side, and what an operator can have done about their differences."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import Max

from ses_integration.aws import clients
from ses_integration.aws.gateway import Gateway
from ses_integration.aws.observe import Observation, observe_with_active_set
from ses_integration.conf import SesConfig
from ses_integration.coordination import lease
from ses_integration.coordination.clock import database_now, pause
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.coordination.lease import HeldLease
from ses_integration.coordination.rate_limit import rate_limited
from ses_integration.drift.adopt import adopt_into_ledger
from ses_integration.drift.detect import drifts
from ses_integration.drift.foreign import tags_to_read
from ses_integration.drift.model import Drift, DriftInput, DriftKind
from ses_integration.drift.previous_scopes import find_previous_scopes
from ses_integration.drift.reference_rules import not_received
from ses_integration.drift.sweep import unconfirm
from ses_integration.errors import NotFound, Unsent
from ses_integration.models import DomainSync, InFlightCall, LedgerEntry
from ses_integration.plan.compile import DesiredState
from ses_integration.plan.resources import ResourceKind
from ses_integration.reconcile import outbox, snapshot
from ses_integration.reconcile.loop import reconcile
from ses_integration.status import sync_state

SECONDS_PER_DOMAIN = 30.0
LEASE_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Comparison:
    """What SES was seen to hold, and how it differs from the rows, the ledger, and what is ours."""

    seen: Observation
    found: list[Drift]


def compare(
    config: SesConfig,
    *,
    tags: Callable[[DriftInput], Sequence[str]] = tags_to_read,
    owners: dict[str, str] | None = None,
    told: Callable[[int, int], None] = lambda number, total: None,
) -> Comparison:
    """One look at SES, and the tag of each identity of which something would be claimed. Changes nothing; raises SesError.

    `tags` says of which identities the tag is read, each with a call of its own; `owners` has those that were read before,
    and gains the others; `told` is called after each, with its number (from 1) and how many there are.
    """
    # Read before SES is asked: a rule that is removed meanwhile must not look like an orphan.
    was_ours = frozenset(_ledger(config))
    seen = observe_with_active_set(config)
    drift_input = _world(config, seen, was_ours)
    owners = {} if owners is None else owners
    unread = [name for name in tags(drift_input) if name not in owners]
    for number, name in enumerate(unread, 1):
        owners[name] = owner_of(config, name)
        told(number, len(unread))
    return Comparison(seen, drifts(replace(drift_input, owners=owners)))


def owner_of(config: SesConfig, identity: str) -> str:
    """The installation that the identity's tag names, or an empty string; one call."""
    with rate_limited(config):
        try:
            return Gateway(config).read_identity(identity).owner
        except NotFound:
            return ""


def _world(config: SesConfig, seen: Observation, was_ours: frozenset[tuple[ResourceKind, str]]) -> DriftInput:
    newer = LedgerEntry.objects.of(config).filter(changed_at__gte=seen.asked_at)
    return DriftInput(
        rule_set=config.rule_set,
        rule_prefix=config.rule_prefix,
        bucket=config.bucket,
        installation=config.installation_id,
        rules=seen.rules,
        identities=seen.identities,
        desired=snapshot.desired_of(config, None),
        entries=snapshot.recorded_of(config, None, database_now()),
        active=seen.active,
        rule_set_exists=seen.rule_set_exists,
        moving=frozenset(newer.values_list("domain", flat=True)),
        was_ours=was_ours,
        marked=frozenset(DomainSync.objects.of(config).values_list("domain", flat=True)),
        pending=why_owed(config),
        elsewhere={former.place: former.size for former in find_previous_scopes(config)},
    )


def _ledger(config: SesConfig) -> Iterator[tuple[ResourceKind, str]]:
    for kind, name in LedgerEntry.objects.of(config).values_list("kind", "name"):
        yield ResourceKind(kind), name


def why_owed(config: SesConfig) -> dict[str, str]:
    """Every domain name that SES is not confirmed to follow, oldest change first, with the reason; two statements."""
    unknown_outcomes = InFlightCall.objects.of(config).values_list("entry__domain").annotate(Max("until"))
    until = dict(unknown_outcomes.order_by())
    found: dict[str, str] = {}
    for sync in sync_state.pending_domains():
        behind = sync.generation - sync.observed_generation
        parts = [f"{behind} change{'s' if behind > 1 else ''} behind"] if behind else []
        if sync.domain in until:
            parts.append(f"a call got no answer and may be applied until {until[sync.domain]:%H:%M:%S} UTC")
        if behind and sync.retry_at:
            parts.append(f"next try {sync.retry_at:%Y-%m-%d %H:%M:%S} UTC")
        found[sync.domain] = ", ".join(parts) + (f". {sync.last_error}" if sync.last_error else "")
    return found


def adopt(config: SesConfig, rules: Sequence[Drift]) -> list[str]:
    """Take these rules of the reference service into the ledger, each only while our rows receive all of its mail.

    The ordinary loop then makes ours and removes them, in this order. Returns the names of those that were taken in.
    """

    def allowed(rule: Drift) -> Callable[[DesiredState], bool]:
        return lambda desired: not not_received(rule.recipients, desired)

    return [
        rule.name
        for rule in rules
        if adopt_into_ledger(
            config, ResourceKind.RULE, rule.name, domain=rule.domain, recipients=rule.recipients, allowed=allowed(rule)
        )
    ]


def mend(config: SesConfig, comparison: Comparison, domains: Collection[str]) -> bool:
    """Make these domains due in the ledger and the marks, so that converging them puts SES right; no SES call.

    Whether it could be done for all: what differs of a domain that has a mark is only seen once its pass is over.
    """
    swept = unconfirm(config, comparison.seen, domains)
    due = {it.domain for it in comparison.found if it.sort.repaired_by_reconcile}
    for domain in sorted(due.intersection(domains) - set(swept.unconfirmed)):
        with transaction.atomic():
            sync = DomainSync.objects.of(config).select_for_update().filter(domain=domain).first()
            if sync is None or not sync.pending:
                outbox.raise_generation(config, domain)
            else:
                DomainSync.objects.filter(pk=sync.pk).update(retry_at=None)
    return not swept.skipped


def bring_into_line(domains: Sequence[str]) -> Iterator[str]:
    """Converge the domains, one after the other, and tell the name of each when its turn is over."""
    for domain in domains:
        with shared_deadline(SECONDS_PER_DOMAIN):
            reconcile(domain)
        yield domain


def put_in_front(config: SesConfig, comparison: Comparison, domains: Collection[str]) -> list[str]:
    """Move the rules of these domains that are out of order before all others, keeping their order. Raises SesError.

    Needs no ledger: the call changes no rule, may be made any number of times, and does no harm if it lands late.
    """
    wrong = {it.name for it in comparison.found if it.sort is DriftKind.OUT_OF_ORDER and it.domain in domains}
    names = [rule.name for rule in comparison.seen.rules if rule.name in wrong]
    for name in reversed(names):
        with _leased(config) as held, clients.send_by(held.until - lease.LEASE_SECONDS / 3), rate_limited(config):
            try:
                Gateway(config).move_to_front(name)
            except NotFound:
                continue  # it was removed since we looked
    return names


@contextmanager
def _leased(config: SesConfig) -> Iterator[HeldLease]:
    patience = time.monotonic() + SECONDS_PER_DOMAIN + lease.LEASE_SECONDS
    while (held := lease.acquire(config)) is None:
        if time.monotonic() > patience:
            raise Unsent("Another process is writing to SES; try again.")
        pause(LEASE_POLL_SECONDS)
    try:
        yield held
    finally:
        lease.release(held)
