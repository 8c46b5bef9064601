"""Confirmation of removals: what SES is known not to hold any more (docs/architecture/protocol.md, "Confirm a removal")."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, F, Q

from ses_integration.conf import ses_config
from ses_integration.coordination.clock import database_now
from ses_integration.models import DomainSync, InFlightCall, LedgerEntry, LedgerRecipient, statements
from ses_integration.plan.diff import plan
from ses_integration.plan.resources import Operation, Presence, ResourceKind
from ses_integration.reconcile import snapshot
from ses_integration.status import wording

ADDING_OPERATIONS = [operation.value for operation in Operation if operation.adds]


@dataclass(frozen=True, slots=True)
class DomainState:
    """What is confirmed to be gone for a domain name. `identity_ours` is None while that is unknown."""

    domain: str
    rules_gone: bool
    identity_gone: bool
    identity_ours: bool | None

    @property
    def identity_kept(self) -> bool:
        return not self.identity_gone and self.identity_ours is False

    def rules_up_to_date(self) -> bool:
        """Whether SES is known to hold the desired rules now, and no call that changes one is in flight."""
        config = ses_config()
        recorded = snapshot.recorded_of(config, [self.domain], database_now()).get(self.domain, [])
        work = plan(self.domain, snapshot.desired_of(config, [self.domain])[self.domain], recorded)
        rules = [resource for resource in recorded if resource.kind is ResourceKind.RULE]
        is_pending = any(call.kind is ResourceKind.RULE for call in (*work.calls, *work.deferred))
        return not is_pending and not any(rule.unknown_outcomes for rule in rules)


def recipients_left(domain: str, addresses: Iterable[str], generation: int | None = None) -> set[str]:
    """Those of the addresses, all of `domain`, that are not confirmed to be gone. One statement if that is none, else up to four.

    `generation` is that of their removal, by default the current one. The observed generation is read before the calls in
    flight or with them, so that no call is missed that was in flight when the removal was observed. An address that a rule in
    the ledger has is not gone either, in any region and rule set.
    """
    config, asked = ses_config(), set(addresses)
    if not asked:
        return set()
    found = statements.CONFIRM_REMOVAL.rows(config.region, config.rule_set, domain, generation, each=asked)
    if found and not any(found[0]):
        return set()
    sync = DomainSync.objects.of(config).filter(domain=domain)
    if generation is None:
        is_behind = sync.filter(observed_generation__lt=F("generation")).exists()
    else:
        is_behind = not sync.filter(observed_generation__gte=generation).exists()
    if is_behind:
        return asked
    rules = Q(entry__domain=domain, entry__kind=ResourceKind.RULE) & ~Q(entry__region="")
    in_flight = InFlightCall.objects.filter(rules, operation__in=ADDING_OPERATIONS)
    left = {recipient for call in in_flight for recipient in call.recipients}
    # A catch-all of our own stays, and is no reason to doubt the removal of an address.
    here = Q(entry__region=config.region, entry__rule_set=config.rule_set)
    recorded = LedgerRecipient.objects.filter(rules & (Q(recipient__in=asked) | (Q(recipient=domain) & ~here)))
    left |= set(recorded.values_list("recipient", flat=True))
    return asked if domain in left else asked & left


def domain_state(domain: str) -> DomainState:
    """What is confirmed to be gone. One statement: with two, a call that is answered in between could be missed by both.

    What another region or rule set may hold is not gone either.
    """
    config = ses_config()
    # Without a region no ledger applies, so an empty one proves nothing.
    rules_gone = gone_in_other_regions = identity_gone = bool(config.region)
    identity_ours: bool | None = None
    # An identity belongs to the region, so the current rule set's entry for it is the latest, if there is one.
    has_current_entry = False
    rows = (
        LedgerEntry.objects.exclude(region="")
        .filter(domain=domain)
        .annotate(adding=Count("in_flight", filter=Q(in_flight__operation__in=ADDING_OPERATIONS)))
        .values_list("region", "rule_set", "kind", "presence", "adding", "identity__ours")
    )
    for region, rule_set, kind, presence, adding, ours in rows:
        gone = presence == Presence.ABSENT and not adding
        if kind == ResourceKind.RULE:
            rules_gone = rules_gone and gone
        elif (region, rule_set) == (config.region, config.rule_set):
            identity_gone, identity_ours, has_current_entry = gone, ours, True
        elif region != config.region:
            gone_in_other_regions = gone_in_other_regions and (gone or ours is False)
        elif not has_current_entry and not gone:
            identity_gone, identity_ours = False, ours
    return DomainState(domain, rules_gone, identity_gone and gone_in_other_regions, identity_ours)


def left_elsewhere(domain: str) -> str:
    """A sentence if the ledger of another region or rule set still has something of `domain`, else an empty string.

    It does not name them, because an earlier owner of the name may have used them; `drift/previous_scopes.py` does, for operators.
    """
    config = ses_config()
    others = LedgerEntry.objects.filter(domain=domain).exclude(region="").exclude(presence=Presence.ABSENT)
    others = others.exclude(region=config.region, rule_set=config.rule_set).exclude(identity__ours=False)
    found = others.exclude(kind=ResourceKind.IDENTITY, region=config.region).exists()
    return wording.LEFT_ELSEWHERE if found and config.region else ""
