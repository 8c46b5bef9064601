"""Rows, ledger and SES side by side, and what an operator can have done about their differences."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import Max

from ses_integration import clients, facts, lease, marks, reading
from ses_integration.budget import one_budget
from ses_integration.clock import database_now
from ses_integration.compiling import Wanted
from ses_integration.config import SesConfig
from ses_integration.convergence import converge
from ses_integration.differences import differences
from ses_integration.errors import NotThere, Unsent
from ses_integration.former import former_ledgers
from ses_integration.gateway import Gateway
from ses_integration.lease import Held
from ses_integration.looking import Look, look_at_all
from ses_integration.models import DomainMark, LedgerEntry, UnansweredCall
from ses_integration.planning import Kind
from ses_integration.rate import turn
from ses_integration.reference_rules import not_received
from ses_integration.sweep import unconfirm
from ses_integration.taking import take_in
from ses_integration.unclaimed import tags_to_read
from ses_integration.waiting import pause
from ses_integration.world import Difference, Sort, World

SECONDS_PER_DOMAIN = 30.0
LEASE_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Comparison:
    """What SES was seen to hold, and how it differs from the rows, the ledger, and what is ours."""

    seen: Look
    found: list[Difference]


def compare(
    config: SesConfig,
    *,
    tags: Callable[[World], Sequence[str]] = tags_to_read,
    owners: dict[str, str] | None = None,
    told: Callable[[int, int], None] = lambda number, total: None,
) -> Comparison:
    """One look at SES, and the tag of each identity of which something would be claimed. Changes nothing; raises SesError.

    `tags` says of which identities the tag is read, each with a call of its own; `owners` has those that were read before,
    and gains the others; `told` is called after each, with its number (from 1) and how many there are.
    """
    # Read before SES is asked: a rule that is removed meanwhile must not look like an orphan.
    was_ours = frozenset(_ledger(config))
    seen = look_at_all(config)
    world = _world(config, seen, was_ours)
    owners = {} if owners is None else owners
    unread = [name for name in tags(world) if name not in owners]
    for number, name in enumerate(unread, 1):
        owners[name] = owner_of(config, name)
        told(number, len(unread))
    return Comparison(seen, differences(replace(world, owners=owners)))


def owner_of(config: SesConfig, identity: str) -> str:
    """The installation that the identity's tag names, or an empty string; one call."""
    with turn(config):
        try:
            return Gateway(config).read_identity(identity).owner
        except NotThere:
            return ""


def _world(config: SesConfig, seen: Look, was_ours: frozenset[tuple[Kind, str]]) -> World:
    newer = LedgerEntry.objects.of(config).filter(changed_at__gte=seen.asked_at)
    return World(
        rule_set=config.rule_set,
        rule_prefix=config.rule_prefix,
        bucket=config.bucket,
        installation=config.installation_id,
        rules=seen.rules,
        identities=seen.identities,
        wanted=reading.wanted_of(config, None),
        entries=reading.entries_of(config, None, database_now()),
        active=seen.active,
        rule_set_exists=seen.rule_set_exists,
        moving=frozenset(newer.values_list("domain", flat=True)),
        was_ours=was_ours,
        marked=frozenset(DomainMark.objects.of(config).values_list("domain", flat=True)),
        owed=why_owed(config),
        elsewhere={former.place: former.size for former in former_ledgers(config)},
    )


def _ledger(config: SesConfig) -> Iterator[tuple[Kind, str]]:
    for kind, name in LedgerEntry.objects.of(config).values_list("kind", "name"):
        yield Kind(kind), name


def why_owed(config: SesConfig) -> dict[str, str]:
    """Every domain name that SES is not confirmed to follow, oldest change first, with the reason; two statements."""
    doubts = UnansweredCall.objects.of(config).values_list("entry__domain").annotate(Max("until"))
    until = dict(doubts.order_by())
    found: dict[str, str] = {}
    for mark in facts.owed_marks():
        behind = mark.generation - mark.applied_generation
        parts = [f"{behind} change{'s' if behind > 1 else ''} behind"] if behind else []
        if mark.domain in until:
            parts.append(f"a call got no answer and may be applied until {until[mark.domain]:%H:%M:%S} UTC")
        if behind and mark.next_attempt:
            parts.append(f"next try {mark.next_attempt:%Y-%m-%d %H:%M:%S} UTC")
        found[mark.domain] = ", ".join(parts) + (f". {mark.last_error}" if mark.last_error else "")
    return found


def adopt(config: SesConfig, rules: Sequence[Difference]) -> list[str]:
    """Take these rules of the reference service into the ledger, each only while our rows receive all of its mail.

    The ordinary loop then makes ours and removes them, in this order. Returns the names of those that were taken in.
    """

    def allowed(rule: Difference) -> Callable[[Wanted], bool]:
        return lambda wanted: not not_received(rule.recipients, wanted)

    return [
        rule.name
        for rule in rules
        if take_in(config, Kind.RULE, rule.name, domain=rule.domain, recipients=rule.recipients, allowed=allowed(rule))
    ]


def mend(config: SesConfig, comparison: Comparison, domains: Collection[str]) -> bool:
    """Make these domains due in the ledger and the marks, so that converging them puts SES right; no SES call.

    Whether it could be done for all: what differs of a domain that has a mark is only seen once its pass is over.
    """
    swept = unconfirm(config, comparison.seen, domains)
    due = {it.domain for it in comparison.found if it.sort.mended_by_converging}
    for domain in sorted(due.intersection(domains) - set(swept.unconfirmed)):
        with transaction.atomic():
            mark = DomainMark.objects.of(config).select_for_update().filter(domain=domain).first()
            if mark is None or not mark.owed:
                marks.bump(config, domain)
            else:
                DomainMark.objects.filter(pk=mark.pk).update(next_attempt=None)
    return not swept.skipped


def bring_into_line(domains: Sequence[str]) -> Iterator[str]:
    """Converge the domains, one after the other, and tell the name of each when its turn is over."""
    for domain in domains:
        with one_budget(SECONDS_PER_DOMAIN):
            converge(domain)
        yield domain


def put_in_front(config: SesConfig, comparison: Comparison, domains: Collection[str]) -> list[str]:
    """Move the rules of these domains that are out of order before all others, keeping their order. Raises SesError.

    Needs no ledger: the call changes no rule, may be made any number of times, and does no harm if it lands late.
    """
    wrong = {it.name for it in comparison.found if it.sort is Sort.OUT_OF_ORDER and it.domain in domains}
    names = [rule.name for rule in comparison.seen.rules if rule.name in wrong]
    for name in reversed(names):
        with _leased(config) as held, clients.send_by(held.until - lease.LEASE_SECONDS / 3), turn(config):
            try:
                Gateway(config).move_to_front(name)
            except NotThere:
                continue  # it was removed since we looked
    return names


@contextmanager
def _leased(config: SesConfig) -> Iterator[Held]:
    patience = time.monotonic() + SECONDS_PER_DOMAIN + lease.LEASE_SECONDS
    while (held := lease.acquire(config)) is None:
        if time.monotonic() > patience:
            raise Unsent("Another process is writing to SES; try again.")
        pause(LEASE_POLL_SECONDS)
    try:
        yield held
    finally:
        lease.release(held)
